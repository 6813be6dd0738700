package enroll_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// What takes from the maker takes from the token, at once; what gives back, gives back.
func TestTokenShrinksWithItsMaker(t *testing.T) {
	const day = 24 * time.Hour
	arrive := func(t *testing.T, r *tokenRig, p identity.Principal) {
		t.Helper()
		check(t, r.Arrived(t.Context(), p))
	}
	for name, c := range map[string]struct {
		// maker prepares who makes the token, of what they hold on /berlin.
		maker func(*tokenRig) identity.Principal
		take  func(*testing.T, *tokenRig)
		back  func(*testing.T, *tokenRig)
	}{
		"a grant of their own is deleted": {
			func(r *tokenRig) identity.Principal {
				r.grant(person("mia").ID(), identity.Operator, "/berlin")
				return person("mia")
			},
			func(_ *testing.T, r *tokenRig) { r.deleteGrants(person("mia").ID()) },
			func(_ *testing.T, r *tokenRig) { r.grant(person("mia").ID(), identity.Operator, "/berlin") },
		},
		"a grant of their group is deleted": {
			func(r *tokenRig) identity.Principal {
				r.grant("group:https://idp.example#leads", identity.Operator, "/berlin")
				return person("mia", "leads")
			},
			func(_ *testing.T, r *tokenRig) { r.deleteGrants("group:https://idp.example#leads") },
			func(_ *testing.T, r *tokenRig) {
				r.grant("group:https://idp.example#leads", identity.Operator, "/berlin")
			},
		},
		"a role is changed": {
			func(r *tokenRig) identity.Principal {
				_, err := r.PutRole(r.tb.Context(), r.admin, "lead", []string{"order.read", "ticket.draw", "token.create"})
				check(r.tb, err)
				r.grant(person("mia").ID(), "lead", "/berlin")
				return person("mia")
			},
			func(t *testing.T, r *tokenRig) {
				_, err := r.PutRole(t.Context(), r.admin, "lead", []string{"token.create"})
				check(t, err)
			},
			func(t *testing.T, r *tokenRig) {
				_, err := r.PutRole(t.Context(), r.admin, "lead", []string{"order.read"})
				check(t, err)
			},
		},
		"a grant ends": {
			func(r *tokenRig) identity.Principal {
				_, err := r.CreateGrant(r.tb.Context(), r.admin, enroll.NewGrant{
					For: person("mia").ID(), Role: "operator", Fleet: "/berlin", Until: r.clock.Now().Add(day),
				})
				check(r.tb, err)
				return person("mia")
			},
			func(_ *testing.T, r *tokenRig) { r.clock.advance(day) },
			func(_ *testing.T, r *tokenRig) { r.grant(person("mia").ID(), identity.Operator, "/") },
		},
		"they call without the group": {
			func(*tokenRig) identity.Principal { return person("mia", "operator", "staff") },
			func(t *testing.T, r *tokenRig) { arrive(t, r, person("mia", "staff")) },
			func(t *testing.T, r *tokenRig) {
				r.clock.advance(time.Minute)
				arrive(t, r, person("mia", "operator", "staff"))
			},
		},
		"they do not call for 90 days": {
			func(*tokenRig) identity.Principal { return person("mia", "operator") },
			func(_ *testing.T, r *tokenRig) { r.clock.advance(90 * day) },
			func(t *testing.T, r *tokenRig) { arrive(t, r, person("mia", "operator")) },
		},
		"the fleet is moved out of their branch": {
			func(r *tokenRig) identity.Principal {
				r.grant(person("mia").ID(), identity.Operator, "/berlin")
				return person("mia")
			},
			func(_ *testing.T, r *tokenRig) { r.move("/berlin/line-3", "/paris") },
			func(_ *testing.T, r *tokenRig) { r.move("/paris/line-3", "/berlin") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTokenRig(t)
			maker := c.maker(r)
			made := r.token(maker, func(n *enroll.NewToken) { n.Fleet, n.Until = "/berlin/line-3", r.clock.Now().Add(365*day) })
			holds := func(want bool) {
				t.Helper()
				p := r.holder(made) // it opens calls as before; it is less that it may
				if r.reads(p, r.berlin) != want || r.reads(p, r.paris) {
					t.Errorf("it reads orders: %v, and those elsewhere: %v", !want, r.reads(p, r.paris))
				}
				info, err := r.Token(t.Context(), r.admin, string(made.ID))
				check(t, err)
				if slices.Contains(info.Holds, identity.OrderRead) != want {
					t.Errorf("it is said to hold %v", info.Holds)
				}
			}
			holds(true)
			c.take(t, r)
			holds(false)
			c.back(t, r)
			holds(true)
		})
	}
}

// Many at once see what is so before and after a change, and nothing in between:
// whoever was granted nothing any more may do nothing from then on.
func TestTokensAtOnce(t *testing.T) {
	r := newTokenRig(t)
	mia, lea := person("mia", "a", "b"), person("lea", "operator", "c")
	r.grant("group:https://idp.example#b", identity.Operator, "/berlin")
	tokens := []identity.Principal{r.holder(r.token(mia)), r.holder(r.token(lea)), mia, lea}
	var work sync.WaitGroup
	for range 20 {
		for _, p := range tokens {
			work.Go(func() {
				for range 5 {
					var refusal *enroll.Refusal
					if _, err := r.Order(t.Context(), p, string(r.berlin.ID)); err != nil && !errors.As(err, &refusal) {
						t.Error(err)
					}
				}
			})
		}
		work.Go(func() {
			if err := r.Arrived(t.Context(), lea); err != nil {
				t.Error(err)
			}
		})
		r.deleteGrants("group:https://idp.example#b")
		if r.reads(tokens[0], r.berlin) || r.reads(mia, r.berlin) || !r.reads(tokens[1], r.berlin) {
			t.Error("what was taken is still there, or what was not is gone")
		}
		r.grant("group:https://idp.example#b", identity.Operator, "/berlin")
		if !r.reads(tokens[0], r.berlin) || !r.reads(mia, r.berlin) {
			t.Error("what was given is not there")
		}
	}
	work.Wait()
}

// deleteGrants takes back all that somebody was granted.
func (r *tokenRig) deleteGrants(of string) {
	r.tb.Helper()
	grants, err := r.Grants(r.tb.Context(), r.admin, enroll.GrantQuery{For: of, Page: enroll.Page{Limit: 10}})
	check(r.tb, err)
	for _, grant := range grants.Items {
		check(r.tb, r.DeleteGrant(r.tb.Context(), r.admin, string(grant.ID)))
	}
}

// A token has what both it and its maker have, on both of their branches.
func TestTokenIsAnIntersection(t *testing.T) {
	r := newTokenRig(t)
	line := r.berlin // in /berlin/line-3
	above := r.order(1, func(o *enroll.NewOrder) { o.Fleet = "/berlin" })
	r.grant(person("mia").ID(), identity.Operator, "/berlin")
	made := r.token(person("mia"))
	p := r.holder(made)
	if !r.reads(p, line) || !r.reads(p, above) {
		t.Error("it may not on all of its branch")
	}
	r.deleteGrants(person("mia").ID())
	r.grant(person("mia").ID(), identity.Operator, "/berlin/line-3")
	if !r.reads(p, line) || r.reads(p, above) {
		t.Error("its branch is not what is left of its maker's")
	}
	r.deleteGrants(person("mia").ID())
	r.grant(person("mia").ID(), identity.Admin, "/")
	if !r.reads(p, line) || !r.reads(p, above) || r.reads(p, r.paris) {
		t.Error("its branch is not its own where its maker's is larger")
	}
	_, err := r.Act(t.Context(), p, "TH20-SN1", identity.Revoke, "", "")
	wantCode(t, err, enroll.Forbidden)
	if info, err := r.Token(t.Context(), p, string(made.ID)); err != nil || !slices.Equal(info.Holds, made.Permissions) {
		t.Errorf("it holds %v of %v, %v", info.Holds, made.Permissions, err)
	}
	r.deleteGrants(person("mia").ID())
	r.grant(person("mia").ID(), identity.Security, "/berlin") // reads orders, draws no tickets
	_, err = r.DrawTickets(t.Context(), p, string(line.ID), []string{"SN1"})
	wantCode(t, err, enroll.Forbidden)
	if info, err := r.Token(t.Context(), p, string(made.ID)); err != nil || !slices.Equal(info.Holds, []identity.Permission{identity.OrderRead}) {
		t.Errorf("it holds %v, %v", info.Holds, err)
	}
}

// A token of the break-glass administrator holds what it was made for.
func TestTokenOfBreakGlass(t *testing.T) {
	r := newTokenRig(t)
	p := r.holder(r.token(identity.NewBreakGlass()))
	if p.Responsible() != "break-glass" || !r.reads(p, r.berlin) || r.reads(p, r.paris) {
		t.Errorf("%+v reads %v, %v", p, r.reads(p, r.berlin), r.reads(p, r.paris))
	}
}

// move puts a fleet below another, as an operation will.
func (r *tokenRig) move(path, below identity.FleetPath) {
	r.tb.Helper()
	r.write(func(tx enroll.Tx) error {
		find := func(path identity.FleetPath) (at identity.Fleet) {
			at.ID = identity.RootFleetID
			for _, name := range path.Segments() {
				found, err := tx.Children(at.ID, name, enroll.Page{Limit: 1})
				check(r.tb, err)
				at = found.Items[0]
			}
			return at
		}
		fleet := find(path)
		fleet.Parent = find(below).ID
		return tx.PutFleet(fleet)
	})
}
