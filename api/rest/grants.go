package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type grantPath struct {
	ID string `path:"id" maxLength:"64" doc:"The grant's id"`
}

func (d *door) addGrants() {
	handle(d, operation{
		id: "create-grant", method: http.MethodPost, path: "/api/v1/grants", permission: identity.GrantCreate,
		summary: "Give a role on a branch; nobody gives what they do not hold there, or for longer", status: http.StatusCreated, waits: true,
	}, d.createGrant)
	handle(d, operation{
		id: "list-grants", method: http.MethodGet, path: "/api/v1/grants", permission: identity.GrantRead,
		summary: "List grants on branches where the caller may read them; everybody may list their own by for",
	}, d.listGrants)
	handle(d, operation{
		id: "show-grant", method: http.MethodGet, path: "/api/v1/grants/{id}", permission: identity.GrantRead,
		summary: "Show a grant; everybody may see their own",
	}, d.showGrant)
	handle(d, operation{
		id: "delete-grant", method: http.MethodDelete, path: "/api/v1/grants/{id}", permission: identity.GrantDelete,
		summary: "Take a grant back; everybody may give up their own", status: http.StatusNoContent, waits: true,
	}, d.deleteGrant)
}

func (d *door) createGrant(ctx context.Context, p identity.Principal, in *struct{ Body resource.NewGrant }) (*answer[resource.Grant], error) {
	if until := in.Body.Until; until != nil {
		if err := checkMoment(*until); err != nil {
			return nil, enroll.RefuseField("until", "%v", err)
		}
	}
	grant, err := d.Service.CreateGrant(ctx, p, enroll.NewGrant{
		For: in.Body.For, Role: in.Body.Role, Fleet: in.Body.Fleet, Until: fromMoment(in.Body.Until),
	})
	return answerOf(grantOf(grant)), err
}

// grantQuery selects grants.
type grantQuery struct {
	Fleet string `query:"fleet" maxLength:"1024" doc:"Path of a fleet: the grants on that one, not on those below it"`
	For   string `query:"for" maxLength:"1024" doc:"Id of a principal or of a group: those for it alone, not those of its groups"`
	resource.Page
}

func (d *door) listGrants(ctx context.Context, p identity.Principal, in *grantQuery) (*answer[resource.List[resource.Grant]], error) {
	grants, err := d.Service.Grants(ctx, p, enroll.GrantQuery{Fleet: in.Fleet, For: in.For, Page: pageIn(in.Page)})
	return pageOf(grants, grantOf), err
}

func (d *door) showGrant(ctx context.Context, p identity.Principal, in *grantPath) (*answer[resource.Grant], error) {
	grant, err := d.Service.Grant(ctx, p, in.ID)
	return answerOf(grantOf(grant)), err
}

func (d *door) deleteGrant(ctx context.Context, p identity.Principal, in *grantPath) (*nothing, error) {
	return &nothing{}, d.Service.DeleteGrant(ctx, p, in.ID)
}

func grantOf(g enroll.GrantInfo) resource.Grant {
	return resource.Grant{
		ID: string(g.ID), For: g.For, Lineage: g.Lineage, Role: string(g.Role), Fleet: string(g.FleetPath), FleetID: string(g.Fleet),
		Until: moment(g.Until), CreatedAt: g.CreatedAt.UTC(), CreatedBy: g.CreatedBy,
	}
}

func heldOf(g enroll.HeldGrant) resource.HeldGrant {
	return resource.HeldGrant{Grant: g.Grant, Role: string(g.Role), Fleet: string(g.Fleet), Until: moment(g.Until), Why: g.Why}
}
