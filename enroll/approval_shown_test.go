package enroll_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// gathered is a store where so many Updates wait for each other and share a commit; each
// has its own where that is 0.
type gathered struct {
	enroll.Store
	of int

	mu      sync.Mutex // guards what follows
	waiting []gatheredCall
}

type gatheredCall struct {
	fn  func(enroll.Tx) error
	err chan error
}

func (s *gathered) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if s.of == 0 {
		return s.Store.Update(ctx, fn)
	}
	c := gatheredCall{fn, make(chan error, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	full := len(s.waiting) == s.of
	s.mu.Unlock()
	if full {
		err := s.Store.Update(ctx, func(tx enroll.Tx) error {
			for _, c := range s.waiting {
				if err := c.fn(tx); err != nil {
					return err
				}
			}
			return nil
		})
		for _, c := range s.waiting {
			c.err <- err
		}
	}
	return <-c.err
}

// Many actions at the same time are no way around a branch's approval_over.
func TestActionsAtTheSameTimeCountTogether(t *testing.T) {
	r := newRig(t)
	issued := r.devices(5)
	r.say("/berlin", policy.Config{ApprovalOver: new(int64(2))})
	store := &gathered{Store: r.store}
	here := r.onto(store)
	store.of = len(issued)
	outcomes := make(chan error)
	for _, device := range issued {
		go func() {
			_, err := here.Act(context.WithoutCancel(t.Context()), r.admin, string(device.Device), identity.Hold, "", "")
			outcomes <- err
		}()
	}
	done := 0
	for range issued {
		var waiting *enroll.Waiting
		if err := <-outcomes; err == nil {
			done++
		} else if !errors.As(err, &waiting) {
			t.Fatal(err)
		}
	}
	if done != 2 {
		t.Errorf("%d were done without a second person, want 2", done)
	}
}

// A grant that waits is on the fleet that it was asked for, whatever that is called by
// the time that somebody approves.
func TestAGrantThatWaitsStaysWhereItWasAsked(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectAuthority))
	r.fleet("/berlin/test")
	eve := person("eve")
	_, err := r.CreateGrant(t.Context(), r.boss, enroll.NewGrant{For: eve.ID(), Role: "security", Fleet: "/berlin/test"})
	asked := waits(t, err)
	for _, rename := range [][2]string{{"/berlin/test", "old"}, {"/berlin/line-3", "test"}} {
		_, err := r.EditFleet(t.Context(), identity.NewBreakGlass(), rename[0], enroll.FleetEdit{Name: rename[1]})
		check(t, err)
	}
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	_, err = r.Device(t.Context(), eve, string(r.device.Device))
	wantCode(t, err, enroll.NotFound)
	_, err = r.Fleet(t.Context(), eve, "/berlin/old")
	check(t, err)
}

// Whoever approves a job over one device has not approved one over three.
func TestNobodyApprovesMoreThanTheyWereShown(t *testing.T) {
	r := newGuarded(t, policy.Config{})
	bob := person("bob")
	issued := r.devices(3)
	r.rig.give(issued[0].Device, bob)
	r.say("/berlin", protected(policy.SubjectActions))
	_, err := r.StartJob(t.Context(), r.boss, bob.ID(), enroll.NewJob{Action: "revoke"})
	asked := waits(t, err)
	for _, device := range issued[1:] {
		_, err := r.AssignOwner(t.Context(), identity.NewBreakGlass(), string(device.Device), enroll.NewOwner{User: ptr(bob.ID())})
		check(t, err)
	}
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
}

// What a station asked for ends with the station.
func TestApprovalDoesNotOutliveTheMakersCertificate(t *testing.T) {
	r := newGuarded(t, policy.Config{})
	station, _ := r.enrolled("SN9")
	maker := r.certified(station)
	r.grant(maker.ID(), "security", "/berlin", time.Time{})
	r.say("/berlin", protected(policy.SubjectActions))
	_, err := r.Act(t.Context(), maker, string(r.device.Device), identity.Revoke, "", "")
	asked := waits(t, err)
	_, err = r.Act(t.Context(), identity.NewBreakGlass(), string(station.Device), identity.Revoke, "keyCompromise", "stolen")
	check(t, err)
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
	if r.deviceState() != identity.Active {
		t.Error("it was done for a station that was revoked")
	}
}
