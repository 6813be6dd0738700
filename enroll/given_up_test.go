package enroll_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

var errGivenUp = errors.New("another node was first")

// outrun is a store whose next batch is given up, as where another node was first: the
// first Update runs with what along does in one batch, then elsewhere happens, and then
// the Update runs again and counts.
type outrun struct {
	enroll.Store
	along, elsewhere func()
	batch            enroll.Tx // while it runs
}

func (s *outrun) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if s.batch != nil {
		return fn(s.batch)
	}
	if along := s.along; along != nil {
		s.along = nil
		err := s.Store.Update(ctx, func(tx enroll.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			s.batch = tx
			along()
			s.batch = nil
			return errGivenUp
		})
		if !errors.Is(err, errGivenUp) {
			return err
		}
		s.elsewhere()
	}
	return s.Store.Update(ctx, fn)
}

// What shared a batch with a change that was given up has read what is not so any
// more. The change is made again, and nobody may take what was read then for what
// stands beside it now.
func TestWhatAGivenUpBatchReadIsForgotten(t *testing.T) {
	r := newTokenRig(t)
	mia := person("mia", "operator")
	r.token(mia)
	store := &outrun{Store: r.store}
	here := r.onto(store)
	hamburg := r.order(2, func(o *enroll.NewOrder) { o.Fleet = "/hamburg" })
	issued, err := r.vouch(hamburg, "SN1", newKey(t))
	check(t, err)
	store.along = func() {
		_, err := here.vouch(hamburg, "SN2", newKey(t))
		check(t, err)
	}
	store.elsewhere = func() { r.say("/hamburg", protected(policy.SubjectActions)) }
	r.clock.advance(time.Hour)
	check(t, here.Arrived(t.Context(), person("mia", "operator", "auditor")))
	_, err = here.Act(t.Context(), r.admin, string(issued.Device), identity.Hold, "", "")
	waits(t, err)
}

// hurried is a store where something else happens right before the next Update.
type hurried struct {
	enroll.Store
	first func()
}

func (s *hurried) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if first := s.first; first != nil {
		s.first = nil
		first()
	}
	return s.Store.Update(ctx, fn)
}

// Somebody arrives twice at once: one call confirms the groups that another takes
// away.
func TestGroupsLostWhileTheyAreConfirmed(t *testing.T) {
	r := newTokenRig(t)
	store := &hurried{Store: r.store}
	here := &tokenRig{rig: newRigOn(t, store, "", r.issuer, func(c *enroll.Config) { c.Clock = r.clock.Now })}
	made := r.token(person("mia", "operator", "x"))
	r.clock.advance(25 * time.Hour)
	store.first = func() {
		check(t, r.Arrived(t.Context(), person("mia", "auditor", "x")))
		if !here.reads(here.holder(made), r.berlin) {
			t.Fatal("an auditor's token cannot read")
		}
	}
	check(t, here.Arrived(t.Context(), person("mia", "operator", "x")))
	if here.reads(here.holder(made), r.berlin) {
		t.Error("the token goes on with what its maker has lost")
	}
}
