package client_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
)

// Every call about scoped tokens, against a real service.
func TestTokenCalls(t *testing.T) {
	ctx := t.Context()
	door := resttest.Open(t)
	c := dial(t, rest.New(door.Config), "operator")
	_, err := c.CreateOrder(ctx, resource.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1})
	check(t, err)
	made, err := c.CreateToken(ctx, resource.NewToken{
		Name: "line 3", Fleet: "/berlin", Permissions: []string{"order.read"}, Until: resttest.Begin().AddDate(0, 1, 0),
	})
	check(t, err)
	if id, whole := enroll.TokenIDOf(made.Text); !whole || string(id) != made.ID || made.Maker != "oidc:https://idp.example#operator" {
		t.Errorf("made %+v", made)
	}
	shown, err := c.Token(ctx, made.ID)
	check(t, err)
	listed, err := client.Collect(c.Tokens(ctx, client.TokenFilter{Fleet: "/berlin", Maker: made.Maker}), 0)
	check(t, err)
	if !reflect.DeepEqual(shown, made.Token) || !reflect.DeepEqual(listed, []resource.Token{shown}) {
		t.Errorf("made %+v, shows %+v, lists %+v", made.Token, shown, listed)
	}
	part, err := c.TokensPart(ctx, client.TokenFilter{}, resource.Page{Limit: 1})
	check(t, err)
	if len(part.Items) != 1 {
		t.Errorf("a part of the list is %+v", part)
	}

	holder := dial(t, rest.New(door.Config), made.Text)
	who, err := holder.Whoami(ctx)
	check(t, err)
	if who.Kind != "token" || who.Token == nil || who.Token.ID != made.ID {
		t.Errorf("its holder is %+v", who)
	}
	until := resttest.Begin().AddDate(0, 2, 0)
	rotated, err := c.RotateToken(ctx, made.ID, resource.Rotation{Overlap: "1h", Until: &until})
	check(t, err)
	if rotated.Text == made.Text || rotated.OldUntil == nil || !rotated.OldUntil.Equal(resttest.Begin().Add(time.Hour)) || !rotated.Until.Equal(until) {
		t.Errorf("rotated into %+v", rotated)
	}
	revoked, err := c.RevokeToken(ctx, made.ID)
	check(t, err)
	if revoked.ID != made.ID {
		t.Errorf("revoked %+v", revoked)
	}
	if _, err = c.Token(ctx, made.ID); client.CodeOf(err) != enroll.NotFound {
		t.Errorf("what is revoked is %v", err)
	}
	if _, err = holder.Whoami(ctx); client.CodeOf(err) != enroll.Unauthenticated {
		t.Errorf("its holder is told %v", err)
	}
}
