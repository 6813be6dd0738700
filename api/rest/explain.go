package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addExplain() {
	handle(d, operation{
		id: "explain-access", method: http.MethodPost, path: "/api/v1/access/explain", permission: SignedIn,
		summary: "Tell whether somebody may do something somewhere, and which grant decides; about others it takes access.explain there",
	}, d.explainAccess)
}

func (d *door) explainAccess(ctx context.Context, p identity.Principal, in *struct{ Body resource.Question }) (*answer[resource.Explanation], error) {
	said, err := d.Service.Explain(ctx, p, enroll.Question(in.Body))
	if err != nil {
		return nil, err
	}
	explained := resource.Explanation{
		Allowed: said.Allowed, Waits: said.Waits, Fleet: string(said.Fleet), Others: listOf(said.Others, heldOf),
		Groups: append([]string{}, said.Groups...),
	}
	if said.Deciding != nil {
		deciding := heldOf(*said.Deciding)
		explained.Deciding = &deciding
	}
	return answerOf(explained), nil
}
