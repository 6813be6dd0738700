package enroll_test

import (
	"context"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// authorityHappenings causes what is about power, owners and what waits.
func authorityHappenings() map[enroll.EventKind]happening {
	return map[enroll.EventKind]happening{
		enroll.FleetRenamed: editing(enroll.FleetEdit{Name: "line-4"}),
		enroll.FleetMoved:   editing(enroll.FleetEdit{Parent: "/"}),
		enroll.FleetDeleted: func(ctx context.Context, t *testing.T, r *rig) {
			r.fleet("/berlin/line-3")
			check(t, r.DeleteFleet(ctx, r.admin, "/berlin/line-3"))
		},
		enroll.PolicyChanged:     waiting(nil),
		enroll.ApprovalRequested: waiting(nil),
		enroll.ApprovalGiven:     waiting((*enroll.Service).Approve),
		enroll.ApprovalDenied:    waiting((*enroll.Service).Deny),
		enroll.ApprovalWithdrawn: waiting(func(s *enroll.Service, ctx context.Context, _ identity.Principal, id, comment string) (enroll.Approval, error) {
			return s.Withdraw(ctx, holding("guard", identity.Security, "/berlin"), id, comment)
		}),
		enroll.TokenCreated:    delegating,
		enroll.TokenRotated:    delegating,
		enroll.TokenRevoked:    delegating,
		enroll.OwnerChanged:    owning,
		enroll.OwnerReleased:   owning,
		enroll.ClaimCodeDrawn:  owning,
		enroll.ClaimStarted:    owning,
		enroll.ClaimDenied:     owning,
		enroll.TransferOffered: owning,
		enroll.TransferEnded:   owning,
		enroll.JobStarted:      owning,
		enroll.JobEnded:        owning,
	}
}

func editing(edit enroll.FleetEdit) happening {
	return func(ctx context.Context, t *testing.T, r *rig) {
		r.fleet("/berlin/line-3")
		_, err := r.EditFleet(ctx, r.admin, "/berlin/line-3", edit)
		check(t, err)
	}
}

// waiting has an action wait, and then decided.
func waiting(decide func(*enroll.Service, context.Context, identity.Principal, string, string) (enroll.Approval, error)) happening {
	return func(ctx context.Context, t *testing.T, r *rig) {
		issued, _ := r.enrolled("SN1")
		r.say("/berlin", protected(policy.SubjectActions))
		_, err := r.Act(ctx, holding("guard", identity.Security, "/berlin"), string(issued.Device), identity.Hold, "", "")
		asked := waits(t, err)
		if decide != nil {
			_, err = decide(r.Service, ctx, r.admin, string(asked.ID), "seen")
			check(t, err)
		}
	}
}

func delegating(ctx context.Context, t *testing.T, r *rig) {
	r.fleet("/berlin")
	made, err := r.CreateToken(ctx, r.admin, enroll.NewToken{
		Name: "line 3", Fleet: "/berlin", Permissions: []string{"ticket.draw"}, Until: r.clock.Now().Add(time.Hour),
	})
	check(t, err)
	_, err = r.RotateToken(ctx, r.admin, string(made.ID), enroll.Rotation{})
	check(t, err)
	_, err = r.RevokeToken(ctx, r.admin, string(made.ID))
	check(t, err)
}

// owning passes one device through the hands of several people.
func owning(ctx context.Context, t *testing.T, r *rig) {
	issued, bob, ann := r.devices(1)[0], person("bob"), person("ann")
	id := string(issued.Device)
	drawn, err := r.DrawClaimCode(ctx, r.admin, id, 0)
	check(t, err)
	station, err := r.CertificatePrincipal(ctx, issued.DER)
	check(t, err)
	started, err := r.StartClaim(ctx, station)
	check(t, err)
	check(t, r.DenyClaim(ctx, bob, started.UserCode, home))
	_, err = r.ConfirmClaim(ctx, bob, drawn.Code, home)
	check(t, err)
	_, err = r.OfferTransfer(ctx, bob, id, ann.ID())
	check(t, err)
	_, err = r.AcceptTransfer(ctx, ann, id)
	check(t, err)
	_, err = r.StartJob(ctx, r.admin, ann.ID(), enroll.NewJob{Action: "reassign", To: bob.ID(), Comment: "left"})
	check(t, err)
	check(t, r.JobsDue(ctx))
	check(t, r.ReleaseOwner(ctx, bob, id, ""))
}
