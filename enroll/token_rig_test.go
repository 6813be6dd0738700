package enroll_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// standing is a configuration that gives each group that is called as a role that
// role on the whole tree, or on the branch after an @.
func standing(_ string, groups []string) []identity.Grant {
	var grants []identity.Grant
	for _, group := range groups {
		role, fleet, branch := strings.Cut(group, "@")
		if !branch {
			fleet = "/"
		}
		if slices.Contains(identity.Roles(), identity.Role(role)) {
			grants = append(grants, identity.Grant{Role: identity.Role(role), Fleet: identity.FleetPath(fleet)})
		}
	}
	return grants
}

// person is somebody of the provider, with what the configuration gives their groups.
func person(name string, groups ...string) identity.Principal {
	const issuer = "https://idp.example"
	return identity.Principal{
		Kind: identity.OIDC, Issuer: issuer, Subject: name, Name: name, Groups: groups, Grants: standing(issuer, groups),
	}
}

// tokenRig is a rig with an order in /berlin/line-3 and one in /paris.
type tokenRig struct {
	*rig
	berlin, paris enroll.OrderInfo
}

func newTokenRig(tb testing.TB, options ...rigOption) *tokenRig {
	tb.Helper()
	options = append([]rigOption{func(c *enroll.Config) { c.Standing = standing }}, options...)
	r := &tokenRig{rig: newRig(tb, options...)}
	r.admin = person("alice", "admin")
	r.berlin = r.order(100)
	r.paris = r.order(100, func(o *enroll.NewOrder) { o.Fleet = "/paris" })
	return r
}

// token makes a token for /berlin that reads orders and draws tickets.
func (r *tokenRig) token(maker identity.Principal, change ...func(*enroll.NewToken)) enroll.MadeToken {
	r.tb.Helper()
	asked := enroll.NewToken{
		Name: "line 3", Fleet: "/berlin", Permissions: []string{"ticket.draw", "order.read"}, Until: r.clock.Now().Add(90 * 24 * time.Hour),
	}
	for _, f := range change {
		f(&asked)
	}
	made, err := r.CreateToken(r.tb.Context(), maker, asked)
	check(r.tb, err)
	return made
}

// show shows a text from an address of its own.
func (r *tokenRig) show(text string) (identity.Principal, error) {
	return r.TokenPrincipal(r.tb.Context(), text, "192.0.2.30")
}

// holder is who holds a token.
func (r *tokenRig) holder(made enroll.MadeToken) identity.Principal {
	r.tb.Helper()
	p, err := r.show(made.Text)
	check(r.tb, err)
	return p
}

// reads reports whether p may read an order.
func (r *tokenRig) reads(p identity.Principal, order enroll.OrderInfo) bool {
	r.tb.Helper()
	_, err := r.Order(r.tb.Context(), p, string(order.ID))
	var refusal *enroll.Refusal
	if err != nil && !errors.As(err, &refusal) {
		r.tb.Fatal(err)
	}
	return err == nil
}

// grant gives a role on a branch, and returns the grant's id.
func (r *tokenRig) grant(to string, role identity.Role, fleet string) string {
	r.tb.Helper()
	made, err := r.CreateGrant(r.tb.Context(), r.admin, enroll.NewGrant{For: to, Role: string(role), Fleet: fleet})
	check(r.tb, err)
	return string(made.ID)
}

// write writes what no operation does yet, or no longer, and turns the revision.
func (r *tokenRig) write(f func(enroll.Tx) error) {
	r.tb.Helper()
	check(r.tb, r.store.Update(context.WithoutCancel(r.tb.Context()), func(tx enroll.Tx) error {
		return errors.Join(f(tx), tx.PutDocument(enroll.RevisionDocument, "authority", []byte(time.Now().String())))
	}))
}
