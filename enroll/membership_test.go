package enroll_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Whoever is remembered has the groups that their provider says: fewer at once, more
// after a while, so that two access tokens that differ cannot keep everybody busy.
func TestArrived(t *testing.T) {
	r := newTokenRig(t)
	revision := func() (text string) {
		check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
			data, err := reader.Document(enroll.RevisionDocument, "authority")
			text = string(data)
			return err
		}))
		return text
	}
	turns := func(groups ...string) bool {
		before := revision()
		check(t, r.Arrived(t.Context(), person("mia", groups...)))
		return revision() != before
	}
	r.grant(person("mia").ID(), identity.Operator, "/paris") // so that there is a revision
	members := func() (all []enroll.Document) {
		check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
			found, err := reader.Documents(enroll.MembershipDocument, "", enroll.Page{Limit: 10})
			all = found.Items
			return err
		}))
		return all
	}
	if turns("operator") || len(members()) != 0 {
		t.Error("whoever left nothing to be done is remembered")
	}
	p := r.holder(r.token(person("mia", "operator", "a")))
	if len(members()) != 1 {
		t.Fatalf("%d are remembered", len(members()))
	}
	noted := string(members()[0].Data)
	if turns("a", "operator") || string(members()[0].Data) != noted {
		t.Error("the same groups are written again, in another order")
	}
	r.clock.advance(24 * time.Hour)
	if turns("operator", "a") {
		t.Error("that nothing changed changes what decisions rest on")
	}
	if confirmed := string(members()[0].Data); confirmed == noted {
		t.Error("that the groups are still the same is not noted after a day")
	} else if noted = confirmed; turns("operator", "a") || string(members()[0].Data) != noted {
		t.Error("it is noted again at once")
	}
	if !turns("a") || r.reads(p, r.berlin) {
		t.Error("a group that is gone counts")
	}
	for range 3 { // of two access tokens, used by turns
		if turns("operator", "a") || turns("a") {
			t.Error("groups grow again at once")
		}
	}
	r.clock.advance(time.Minute)
	for i, groups := range [][]string{{"x"}, {"y"}, {"x"}, {"y"}, {"x"}} {
		if turned := turns(groups...); turned != (i < 2) {
			t.Errorf("the %dth of two that have nothing in common turns the revision: %v", i+1, turned)
		}
	}
	r.clock.advance(time.Minute)
	if !turns("operator", "a") || !r.reads(p, r.berlin) {
		t.Error("groups do not grow after a while")
	}
	// Somebody else of that name at another provider is somebody else.
	stranger := person("mia")
	stranger.Issuer = "https://other.example"
	check(t, r.Arrived(t.Context(), stranger))
	if !r.reads(p, r.berlin) || len(members()) != 1 {
		t.Error("a stranger is taken for her")
	}
	// Whoever was forgotten is not remembered again by calling.
	r.write(func(tx enroll.Tx) error { return tx.DeleteDocument(enroll.MembershipDocument, members()[0].Key) })
	if turns("operator") || len(members()) != 0 || r.reads(p, r.berlin) {
		t.Error("whoever was forgotten is remembered")
	}
	check(t, r.Arrived(t.Context(), identity.NewBreakGlass()))
	check(t, r.Arrived(t.Context(), identity.Principal{}))
}

// counted is a store that counts its transactions that may write.
type counted struct {
	enroll.Store
	updates atomic.Int64
}

func (c *counted) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	c.updates.Add(1)
	return c.Store.Update(ctx, fn)
}

// Somebody who calls all day costs a read each time, remembered or not.
func TestArrivedIsCheap(t *testing.T) {
	store := &counted{}
	r := newTokenRig(t, func(c *enroll.Config) { store.Store, c.Store = c.Store, store })
	mia, stranger := person("mia", "operator"), person("otto", "operator")
	r.token(mia)
	for range 3 {
		r.clock.advance(24 * time.Hour)
		before := store.updates.Load()
		for range 10 {
			check(t, r.Arrived(t.Context(), mia))
			check(t, r.Arrived(t.Context(), stranger))
		}
		if n := store.updates.Load() - before; n != 1 {
			t.Errorf("%d transactions for 20 calls in a day", n)
		}
	}
}

// Somebody has what the groups of the call give, whatever they had a call before.
func TestGroupsOfTheCall(t *testing.T) {
	r := newTokenRig(t)
	r.grant("group:https://idp.example#b", identity.Operator, "/berlin")
	r.grant("group:https://idp.example#p", identity.Operator, "/paris")
	for range 2 {
		for groups, in := range map[string][]string{"b": {"b"}, "p": {"p"}, "bp": {"b", "p"}, "": nil, "together": {"bp"}} {
			p := person("mia", in...)
			if r.reads(p, r.berlin) != strings.Contains(groups, "b") || r.reads(p, r.paris) != strings.Contains(groups, "p") {
				t.Errorf("in %q she reads orders in Berlin: %v, in Paris: %v", in, r.reads(p, r.berlin), r.reads(p, r.paris))
			}
		}
	}
}

// A membership that is confirmed every so often does not lapse, though confirming it
// turns no revision; one that lapsed comes back.
func TestMembershipIsConfirmed(t *testing.T) {
	r := newTokenRig(t, func(c *enroll.Config) { c.MembershipLifetime = 48 * time.Hour })
	mia := person("mia", "operator")
	p := r.holder(r.token(mia))
	for range 5 {
		r.clock.advance(40 * time.Hour)
		check(t, r.Arrived(t.Context(), mia))
		r.clock.advance(7 * time.Hour)
		if !r.reads(p, r.berlin) {
			t.Fatal("it lapsed though it was confirmed")
		}
	}
	r.clock.advance(48 * time.Hour)
	for range 3 {
		if r.reads(p, r.berlin) {
			t.Fatal("it does not lapse")
		}
		r.clock.advance(48 * time.Hour)
	}
	check(t, r.Arrived(t.Context(), mia))
	if !r.reads(p, r.berlin) {
		t.Error("it does not come back")
	}
}

// Names of groups without any sense fit into the store, and take no power.
func TestGroupsWithoutEnd(t *testing.T) {
	r := newTokenRig(t)
	groups := []string{"operator"}
	for i := range 2_000 {
		groups = append(groups, "z<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"+serialOf(i))
	}
	mia := person("mia", groups...)
	if !r.reads(r.holder(r.token(mia)), r.berlin) {
		t.Error("it may not")
	}
	check(t, r.Arrived(t.Context(), mia))
}
