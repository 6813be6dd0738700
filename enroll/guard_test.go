package enroll_test

import (
	"context"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// upward is everything that is done to authority at /berlin or above it.
func upward(r *rig) map[string]func(context.Context, identity.Principal) error {
	given := r.grant(person("eve").ID(), "operator", "/berlin", time.Time{})
	_, err := r.PutRole(r.tb.Context(), r.admin, "looker", []string{"device.read"})
	check(r.tb, err)
	return map[string]func(context.Context, identity.Principal) error{
		"a grant": func(ctx context.Context, p identity.Principal) error {
			_, err := r.CreateGrant(ctx, p, enroll.NewGrant{For: person("eve").ID(), Role: "security", Fleet: "/berlin"})
			return err
		},
		"a grant at the root": func(ctx context.Context, p identity.Principal) error {
			_, err := r.CreateGrant(ctx, p, enroll.NewGrant{For: person("eve").ID(), Role: "security", Fleet: "/"})
			return err
		},
		"a grant that is taken back": func(ctx context.Context, p identity.Principal) error { return r.DeleteGrant(ctx, p, string(given.ID)) },
		"a role": func(ctx context.Context, p identity.Principal) error {
			_, err := r.PutRole(ctx, p, "looker", []string{"device.read", "device.revoke"})
			return err
		},
		"a role that is deleted": func(ctx context.Context, p identity.Principal) error { return r.DeleteRole(ctx, p, "looker") },
		"a policy": func(ctx context.Context, p identity.Principal) error {
			_, err := r.SetFleetPolicy(ctx, p, "/berlin", policy.Config{Lifetime: lasts(time.Hour)}, 0)
			return err
		},
		"a move": func(ctx context.Context, p identity.Principal) error {
			_, err := r.EditFleet(ctx, p, "/berlin", enroll.FleetEdit{Parent: "/munich"})
			return err
		},
		"a name": func(ctx context.Context, p identity.Principal) error {
			_, err := r.EditFleet(ctx, p, "/berlin", enroll.FleetEdit{Name: "bonn"})
			return err
		},
	}
}

// A branch is protected against what is done above it, too.
func TestAProtectedBranchIsNotReachedFromAbove(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3/vault")
	r.fleet("/munich")
	all := upward(r)
	r.say("/berlin/line-3/vault", protected(policy.SubjectAuthority))
	for name, do := range all {
		t.Run(name, func(t *testing.T) {
			asked := waits(t, do(t.Context(), r.admin))
			_, err := r.Withdraw(t.Context(), r.admin, string(asked.ID), "")
			check(t, err)
		})
	}
	// What does not reach it waits for nobody.
	r.grant(person("eve").ID(), "operator", "/munich", time.Time{})
	r.fleet("/berlin/line-4")
	r.say("/berlin/line-4", policy.Config{Lifetime: lasts(time.Hour)})
	_, err := r.EditFleet(t.Context(), r.admin, "/berlin/line-4", enroll.FleetEdit{Parent: "/munich"})
	check(t, err)
	told, err := r.Explain(t.Context(), r.admin, enroll.Question{Permission: "grant.create", On: "/berlin"})
	check(t, err)
	if !told.Waits {
		t.Error("it is not told that a grant on /berlin would wait")
	}
}

// The protection goes with the branch, wherever that is moved, and ends with it.
func TestProtectionGoesWithTheBranch(t *testing.T) {
	r, second := newRig(t), holding("boss", identity.Admin, "/")
	for _, path := range []string{"/a/1", "/b/2"} {
		r.fleet(path)
	}
	approved := func(err error) {
		t.Helper()
		_, err = r.Approve(t.Context(), second, string(waits(t, err).ID), "")
		check(t, err)
	}
	guards := func(path string, want bool) {
		t.Helper()
		told, err := r.Explain(t.Context(), r.admin, enroll.Question{Permission: "grant.create", On: path})
		check(t, err)
		if told.Waits != want {
			t.Errorf("a grant on %s waits: %v, want %v", path, told.Waits, want)
		}
	}
	r.say("/a/1", protected(policy.SubjectAuthority, policy.SubjectActions))
	guards("/a", true)
	guards("/b", false)
	_, err := r.EditFleet(t.Context(), r.admin, "/a/1", enroll.FleetEdit{Parent: "/b/2"})
	approved(err)
	for path, want := range map[string]bool{"/": true, "/a": false, "/b": true, "/b/2": true, "/b/2/1": true} {
		guards(path, want)
	}
	_, err = r.SetFleetPolicy(t.Context(), r.admin, "/b/2/1", protected(policy.SubjectActions), 0)
	approved(err)
	guards("/b", false)
	r.say("/b/2/1", protected(policy.SubjectAuthority))
	_, err = r.SetFleetPolicy(t.Context(), r.admin, "/b/2", protected(policy.SubjectAuthority), 0)
	approved(err)
	guards("/b", true)
	approved(r.DeleteFleet(t.Context(), r.admin, "/b/2/1"))
	approved(r.DeleteFleet(t.Context(), r.admin, "/b/2"))
	for _, path := range []string{"/", "/b"} {
		guards(path, false)
	}
}

// Policies from before it was counted protect as well once the service starts.
func TestProtectionFromBeforeItWasCounted(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3/vault")
	r.fleet("/munich")
	all := upward(r)
	r.say("/berlin/line-3/vault", protected(policy.SubjectAuthority))
	check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
		found, err := tx.Documents(enroll.GuardDocument, "", enroll.Page{})
		check(t, err)
		if len(found.Items) != 4 {
			t.Errorf("counted at %d fleets, want 4", len(found.Items))
		}
		for _, d := range found.Items {
			check(t, tx.DeleteDocument(d.Kind, d.Key))
		}
		return nil
	}))
	check(t, all["a role"](t.Context(), r.admin)) // as before
	again := newRigOn(t, r.store, r.path, r.issuer)
	waits(t, func() error { return again.DeleteRole(t.Context(), again.admin, "looker") }())
}
