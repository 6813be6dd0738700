package enroll_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
	"github.com/touchmark/touchmark/store/storetest"
)

func (r *rig) newToken(until time.Time) enroll.MadeToken {
	r.tb.Helper()
	made, err := r.CreateToken(r.tb.Context(), r.admin, enroll.NewToken{Name: "line", Fleet: "/", Permissions: []string{"order.read"}, Until: until})
	check(r.tb, err)
	return made
}

// ids of all grants and tokens that are told.
func (r *rig) told() map[string]bool {
	r.tb.Helper()
	told := map[string]bool{}
	grants, err := r.Grants(r.tb.Context(), r.admin, enroll.GrantQuery{Page: enroll.Page{Limit: enroll.MaxPage}})
	check(r.tb, err)
	for _, g := range grants.Items {
		told[string(g.ID)] = true
	}
	tokens, err := r.Tokens(r.tb.Context(), r.admin, enroll.TokenQuery{Page: enroll.Page{Limit: enroll.MaxPage}})
	check(r.tb, err)
	for _, token := range tokens.Items {
		told[string(token.ID)] = true
	}
	return told
}

func TestWhatEndedLongAgoIsForgotten(t *testing.T) {
	r := newRig(t)
	begin := r.clock.Now()
	brief := r.grant(person("eve").ID(), "operator", "/", begin.Add(time.Hour))
	long := r.grant(person("eve").ID(), "operator", "/", begin.Add(100*day))
	forever := r.grant(person("eve").ID(), "auditor", "/", time.Time{})
	token, rotated := r.newToken(begin.Add(time.Hour)), r.newToken(begin.Add(time.Hour))
	_, err := r.RotateToken(t.Context(), r.admin, string(rotated.ID), enroll.Rotation{Until: begin.Add(50 * day)})
	check(t, err)
	for _, c := range []struct {
		after time.Duration
		gone  []string
	}{
		{89 * day, nil},
		{91 * day, []string{string(brief.ID), string(token.ID)}},
		{141 * day, []string{string(rotated.ID)}},
		{191 * day, []string{string(long.ID)}},
		{1000 * day, nil},
	} {
		before := r.told()
		r.clock.advance(begin.Add(c.after).Sub(r.clock.Now()))
		check(t, r.ForgetEnded(t.Context()))
		after := r.told()
		for _, id := range c.gone {
			if !before[id] || after[id] {
				t.Errorf("after %s %s is told: %v, then %v", c.after, id, before[id], after[id])
			}
		}
		if len(before)-len(after) != len(c.gone) {
			t.Errorf("after %s %d were forgotten, want %d", c.after, len(before)-len(after), len(c.gone))
		}
	}
	if !r.told()[string(forever.ID)] {
		t.Error("a grant without end was forgotten")
	}
	check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
		left, err := reader.Documents(enroll.EndDocument, "", enroll.Page{})
		if len(left.Items) != 0 {
			t.Errorf("left are %v", left.Items)
		}
		return err
	}))
}

// Each time a bounded number is forgotten; nothing is written where there is nothing.
func TestForgettingIsBounded(t *testing.T) {
	r := newRigOn(t, storetest.NewMemory(), "", newIssuer(t, nil))
	for i := range 1_200 {
		r.grant(person(fmt.Sprint("p", i)).ID(), "operator", "/", r.clock.Now().Add(time.Hour))
	}
	r.clock.advance(91 * day)
	for _, want := range []int{200, 0, 0} {
		check(t, r.ForgetEnded(t.Context()))
		if left := len(r.told()); left != want {
			t.Errorf("left are %d, want %d", left, want)
		}
	}
	watched := storetest.Watch(r.store)
	check(t, r.ForgetEnded(t.Context()))
	if rows, _ := watched.Changes(); len(rows) > 0 {
		t.Errorf("it wrote %v", rows)
	}
}

// multiply puts n copies of a document below the same prefix, each with an id of its
// own, as n more calls would.
func (r *rig) multiply(kind enroll.DocumentKind, of, id string, n int) {
	r.tb.Helper()
	check(r.tb, r.store.Update(r.tb.Context(), func(tx enroll.Tx) error {
		data, err := tx.Document(kind, indexOf(of)+"/"+id)
		check(r.tb, err)
		for i := range n {
			copied := fmt.Sprintf("%s-%d", id, i)
			check(r.tb, tx.PutDocument(kind, indexOf(of)+"/"+copied, bytes.ReplaceAll(data, []byte(id), []byte(copied))))
		}
		return nil
	}))
}

func TestNobodyHoldsGrantsWithoutBound(t *testing.T) {
	r := newRig(t)
	eve := person("eve").ID()
	give := func(to string, until time.Time) error {
		_, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: to, Role: "operator", Fleet: "/", Until: until})
		return err
	}
	first := r.grant(eve, "operator", "/", r.clock.Now().Add(time.Hour))
	r.multiply(enroll.GrantOfDocument, eve, string(first.ID), 498)
	check(t, give(eve, time.Time{}))
	wantCode(t, give(eve, time.Time{}), enroll.Conflict)
	check(t, give(person("bob").ID(), time.Time{}))
	r.clock.advance(time.Hour) // those that have ended make room
	ended := r.grant(eve, "operator", "/", r.clock.Now().Add(time.Hour))
	r.clock.advance(time.Hour)
	check(t, give(eve, time.Time{}))
	r.multiply(enroll.GrantOfDocument, eve, string(ended.ID), 1_498) // and up to a point alone
	wantCode(t, give(eve, time.Time{}), enroll.Conflict)
}

// Who gives grants on one branch keeps nobody from being given any on another, with
// grants that stand or with those that have ended.
func TestGrantsOfOneBranchKeepNobodyFromOthers(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin")
	r.fleet("/bern")
	eve := person("eve").ID()
	give := func(by identity.Principal, fleet string) error {
		_, err := r.CreateGrant(t.Context(), by, enroll.NewGrant{For: eve, Role: "operator", Fleet: fleet})
		return err
	}
	grudge := holding("grudge", identity.Admin, "/bern")
	first := r.grant(eve, "operator", "/bern", r.clock.Now().Add(time.Hour))
	r.multiply(enroll.GrantOfDocument, eve, string(first.ID), 1_998)
	wantCode(t, give(grudge, "/bern"), enroll.Conflict)
	check(t, give(r.admin, "/berlin"))
	r.clock.advance(time.Hour)
	check(t, give(grudge, "/bern"))
	wantCode(t, give(grudge, "/bern"), enroll.Conflict)
	check(t, give(holding("boss", identity.Admin, "/berlin"), "/berlin"))
	check(t, give(r.admin, "/"))
}

func TestNobodyMakesTokensWithoutBound(t *testing.T) {
	r := newRig(t)
	first := r.newToken(r.clock.Now().Add(time.Hour))
	r.multiply(enroll.TokenOfDocument, r.admin.ID(), string(first.ID), 498)
	r.newToken(r.clock.Now().Add(time.Hour))
	asked := enroll.NewToken{Name: "line", Fleet: "/", Permissions: []string{"order.read"}, Until: r.clock.Now().Add(time.Hour)}
	_, err := r.CreateToken(t.Context(), r.admin, asked)
	wantCode(t, err, enroll.Conflict)
	_, err = r.CreateToken(t.Context(), holding("boss", identity.Admin, "/"), asked)
	check(t, err)
	r.clock.advance(time.Hour)
	r.newToken(r.clock.Now().Add(time.Hour))
}

func TestNobodyAsksWithoutBound(t *testing.T) {
	r := newRig(t)
	for i := range 3 {
		r.fleet(fmt.Sprintf("/berlin/line-%d", i))
	}
	r.say("/berlin", protected(policy.SubjectAuthority))
	boss, second := holding("boss", identity.Admin, "/berlin"), holding("second", identity.Admin, "/berlin")
	ask := func(i int) error {
		_, err := r.CreateGrant(t.Context(), boss, enroll.NewGrant{For: person(fmt.Sprint("p", i)).ID(), Role: "operator", Fleet: "/berlin"})
		return err
	}
	var requests []string
	for i := range 100 {
		requests = append(requests, string(waits(t, ask(i)).ID))
	}
	wantCode(t, ask(100), enroll.Conflict)
	waits(t, ask(99)) // which waits already
	_, err := r.CreateGrant(t.Context(), second, enroll.NewGrant{For: person("eve").ID(), Role: "operator", Fleet: "/berlin"})
	waits(t, err)
	_, err = r.Approve(t.Context(), second, requests[0], "")
	check(t, err)
	_, err = r.Deny(t.Context(), second, requests[1], "")
	check(t, err)
	_, err = r.Withdraw(t.Context(), boss, requests[2], "")
	check(t, err)
	for i := range 3 {
		waits(t, ask(101+i))
	}
	wantCode(t, ask(104), enroll.Conflict)
	r.clock.advance(25 * time.Hour) // all of them expire
	waits(t, ask(104))
}
