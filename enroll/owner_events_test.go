package enroll_test

import (
	"context"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// ownerHappenings has an operation that causes it for each kind of event that owners
// bring about.
func ownerHappenings() map[enroll.EventKind]func(context.Context, *testing.T, *rig) {
	assigned := func(ctx context.Context, t *testing.T, r *rig) string {
		t.Helper()
		issued, _ := r.enrolled("SN1")
		_, err := r.AssignOwner(ctx, r.admin, string(issued.Device), enroll.NewOwner{User: ptr(person("bob").ID()), Comment: "hers"})
		check(t, err)
		return string(issued.Device)
	}
	offered := func(ctx context.Context, t *testing.T, r *rig) string {
		t.Helper()
		id := assigned(ctx, t, r)
		_, err := r.OfferTransfer(ctx, person("bob"), id, person("ann").ID())
		check(t, err)
		return id
	}
	owning := func(ctx context.Context, t *testing.T, r *rig) {
		id := offered(ctx, t, r)
		_, err := r.AcceptTransfer(ctx, person("ann"), id)
		check(t, err)
		check(t, r.ReleaseOwner(ctx, person("ann"), id, ""))
		issued, _ := r.enrolled("SN2")
		_, err = r.ConfirmClaim(ctx, person("ann"), r.started(issued).UserCode, home)
		check(t, err)
		order := r.order(1, func(o *enroll.NewOrder) { o.OwnerGroup = groupOf("kitchen") })
		_, err = r.enrol("SN3", r.ticket(order, "SN3"), newKey(t))
		check(t, err)
		check(t, r.ReleaseOwner(ctx, r.admin, "TH20-SN3", "sold"))
	}
	claiming := func(ctx context.Context, t *testing.T, r *rig) {
		issued, _ := r.enrolled("SN1")
		_, err := r.DrawClaimCode(ctx, r.admin, string(issued.Device), 0)
		check(t, err)
		claim, err := r.StartClaim(ctx, identity.Principal{Kind: identity.Certificate, Device: issued.Device})
		check(t, err)
		check(t, r.DenyClaim(ctx, person("bob"), claim.UserCode, home))
	}
	transferring := func(ctx context.Context, t *testing.T, r *rig) {
		id := offered(ctx, t, r)
		check(t, r.EndTransfer(ctx, person("ann"), id, true))
	}
	working := func(ctx context.Context, t *testing.T, r *rig) {
		assigned(ctx, t, r)
		for _, job := range []enroll.NewJob{
			{Action: "revoke", Reason: "superseded", Comment: "left"}, {Action: "reassign", To: person("ann").ID()},
		} {
			_, err := r.StartJob(ctx, r.admin, person("bob").ID(), job)
			check(t, err)
		}
		check(t, r.JobsDue(ctx))
	}
	return map[enroll.EventKind]func(context.Context, *testing.T, *rig){
		enroll.OwnerChanged:    owning,
		enroll.OwnerReleased:   owning,
		enroll.ClaimCodeDrawn:  claiming,
		enroll.ClaimStarted:    claiming,
		enroll.ClaimDenied:     claiming,
		enroll.TransferOffered: transferring,
		enroll.TransferEnded:   transferring,
		enroll.JobStarted:      working,
		enroll.JobEnded:        working,
	}
}

// Each of these is told of who did it, in which request.
func TestWhatOwnersBringAboutIsRecorded(t *testing.T) {
	for kind, happen := range ownerHappenings() {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t)
			happen(enroll.WithRequestID(t.Context(), "req-1"), t, r)
			told := 0
			for _, event := range r.log() {
				if event.Kind == kind && event.Actor != "" && event.Request == "req-1" {
					told++
				}
			}
			if told == 0 {
				t.Error("it is not recorded")
			}
		})
	}
}
