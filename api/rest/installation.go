package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addInstallation() {
	handle(d, operation{
		id: "whoami", method: http.MethodGet, path: "/api/v1/whoami", permission: SignedIn,
		summary: "Tell the caller who they are to this server",
	}, whoami)
	handle(d, operation{
		id: "rotate-break-glass", method: http.MethodPost, path: "/api/v1/breakglass/rotate", permission: identity.BreakGlassRotate,
		summary: "Replace the break-glass token; the old one ends at once",
	}, d.rotateBreakGlass)
	handle(d, operation{
		id: "backup", method: http.MethodGet, path: "/api/v1/backup", permission: identity.InstallationSaved,
		summary: "Download a consistent copy of the store",
		content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}, d.backup)
}

func whoami(_ context.Context, p identity.Principal, _ *struct{}) (*answer[resource.Caller], error) {
	who := resource.Caller{ID: p.ID(), Name: p.Name, Kind: string(p.Kind), Roles: []string{}, Grants: []resource.Grant{}}
	for _, grant := range p.Grants {
		who.Grants = append(who.Grants, resource.Grant{Role: string(grant.Role), Fleet: string(grant.Fleet)})
		if !slices.Contains(who.Roles, string(grant.Role)) {
			who.Roles = append(who.Roles, string(grant.Role))
		}
	}
	return answerOf(who), nil
}

func (d *door) rotateBreakGlass(ctx context.Context, p identity.Principal, _ *struct{}) (*answer[resource.BreakGlass], error) {
	token, err := d.Service.RotateBreakGlass(ctx, p)
	return answerOf(resource.BreakGlass{Token: token}), err
}

// stream is an answer that is written as it is made.
type stream struct{ Body func(huma.Context) }

// backup streams a copy for as long as it takes. One that fails half way ends
// the connection, so that nobody takes it for whole.
func (d *door) backup(ctx context.Context, p identity.Principal, _ *struct{}) (*stream, error) {
	if err := d.Service.Authorize(ctx, p, identity.InstallationSaved); err != nil {
		return nil, err
	}
	if d.Backup == nil {
		return nil, enroll.Refuse(enroll.NotFound, "this server's store is a database; back it up with the database's own means")
	}
	return &stream{Body: func(hc huma.Context) {
		_, w := humachi.Unwrap(hc.(*exchange).humaContext)
		// What a listener gives other requests is too short. Writers that have no
		// deadline need none lifted.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := d.Backup.Backup(ctx, w); err != nil {
			d.Log.ErrorContext(ctx, "backup failed", "request", enroll.RequestID(ctx), "error", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}
