package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type tokenPath struct {
	ID string `path:"id" maxLength:"64" doc:"The token's id"`
}

func (d *door) addTokens() {
	handle(d, operation{
		id: "create-token", method: http.MethodPost, path: "/api/v1/tokens", permission: identity.TokenCreate,
		summary: "Make a scoped token of what the caller holds; its text is told once", status: http.StatusCreated,
	}, d.createToken)
	handle(d, operation{
		id: "list-tokens", method: http.MethodGet, path: "/api/v1/tokens", permission: identity.TokenRead,
		summary: "List scoped tokens; one's own with maker, which needs no permission",
	}, d.listTokens)
	handle(d, operation{
		id: "show-token", method: http.MethodGet, path: "/api/v1/tokens/{id}", permission: identity.TokenRead,
		summary: "Show a scoped token; one's own needs no permission",
	}, d.showToken)
	handle(d, operation{
		id: "rotate-token", method: http.MethodPost, path: "/api/v1/tokens/{id}/rotate", permission: identity.TokenCreate,
		summary: "Give one's own token another text, told once",
	}, d.rotateToken)
	handle(d, operation{
		id: "revoke-token", method: http.MethodPost, path: "/api/v1/tokens/{id}/revoke", permission: identity.TokenRevoke,
		summary: "End a token at once and for good; one's own needs no permission",
	}, d.revokeToken)
}

func (d *door) createToken(ctx context.Context, p identity.Principal, in *struct{ Body resource.NewToken }) (*answer[resource.MadeToken], error) {
	made, err := d.Service.CreateToken(ctx, p, enroll.NewToken{
		Name: in.Body.Name, Fleet: in.Body.Fleet, Permissions: in.Body.Permissions, Until: in.Body.Until,
	})
	return answerOf(d.madeTokenOf(made)), err
}

// tokenQuery selects tokens.
type tokenQuery struct {
	Fleet string `query:"fleet" maxLength:"1024" doc:"Path of a branch: tokens for all of it"`
	Maker string `query:"maker" maxLength:"1024" doc:"Id of who made them; whoami shows one's own"`
	resource.Page
}

func (d *door) listTokens(ctx context.Context, p identity.Principal, in *tokenQuery) (*answer[resource.List[resource.Token]], error) {
	tokens, err := d.Service.Tokens(ctx, p, enroll.TokenQuery{Fleet: in.Fleet, Maker: in.Maker, Page: pageIn(in.Page)})
	return pageOf(tokens, d.tokenOf), err
}

func (d *door) showToken(ctx context.Context, p identity.Principal, in *tokenPath) (*answer[resource.Token], error) {
	token, err := d.Service.Token(ctx, p, in.ID)
	return answerOf(d.tokenOf(token)), err
}

// tokenRotation is what is asked of a token.
type tokenRotation struct {
	ID   string `path:"id" maxLength:"64" doc:"The token's id"`
	Body *resource.Rotation
}

func (d *door) rotateToken(ctx context.Context, p identity.Principal, in *tokenRotation) (*answer[resource.MadeToken], error) {
	var asked enroll.Rotation
	if in.Body != nil {
		var err error
		if asked, err = rotationOf(*in.Body); err != nil {
			return nil, err
		}
	}
	made, err := d.Service.RotateToken(ctx, p, in.ID, asked)
	return answerOf(d.madeTokenOf(made)), err
}

func rotationOf(asked resource.Rotation) (enroll.Rotation, error) {
	rotation := enroll.Rotation{Until: fromMoment(asked.Until)}
	if asked.Until != nil {
		if err := checkMoment(*asked.Until); err != nil {
			return rotation, enroll.RefuseField("until", "%v", err)
		}
	}
	if asked.Overlap != "" {
		var err error
		if rotation.Overlap, err = time.ParseDuration(asked.Overlap); err != nil {
			return rotation, enroll.RefuseField("overlap", "an overlap is a duration such as 90m or 24h")
		}
	}
	return rotation, nil
}

func (d *door) revokeToken(ctx context.Context, p identity.Principal, in *tokenPath) (*answer[resource.Token], error) {
	token, err := d.Service.RevokeToken(ctx, p, in.ID)
	return answerOf(d.tokenOf(token)), err
}

func (d *door) tokenOf(t enroll.TokenInfo) resource.Token {
	word := func(p identity.Permission) string { return string(p) }
	return resource.Token{
		ID: string(t.ID), Name: t.Name, Maker: t.Maker, MakerName: text(t.MakerName), Fleet: string(t.FleetPath),
		Permissions: listOf(t.Permissions, word), Holds: listOf(t.Holds, word), Until: t.Until.UTC(),
		OldUntil: moment(t.OldUntil(d.Service.Now())), CreatedAt: t.CreatedAt.UTC(), LastUsed: moment(t.LastUsed),
	}
}

func (d *door) madeTokenOf(made enroll.MadeToken) resource.MadeToken {
	return resource.MadeToken{Token: d.tokenOf(made.TokenInfo), Text: made.Text}
}
