package enroll_test

import (
	"errors"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A job acts where its maker may, counts the rest, and finds what the maker has lost
// since.
func TestJobGoesByWhatItsMakerMay(t *testing.T) {
	r, bob := leaver(t, 150)
	ann, olga := person("ann"), person("olga")
	elsewhere := r.order(3, func(o *enroll.NewOrder) { o.Fleet, o.Model, o.Owner = "/hamburg", "GW", bob.ID() })
	for i := range 3 {
		_, err := r.vouch(elsewhere, serialOf(i), newKey(t))
		check(t, err)
	}
	grant, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: olga.ID(), Role: "operator", Fleet: "/berlin"})
	check(t, err)
	job := r.start(olga, bob.ID(), enroll.NewJob{Action: "reassign", To: ann.ID()})
	crash := &steps{}
	worker := r.onto(steppedStore{r.store, crash})
	*crash = steps{at: 4, kept: true} // the first batch
	if err := worker.JobsDue(t.Context()); !errors.Is(err, errCrash) {
		t.Fatalf("error %v", err)
	}
	if now := r.job(job.ID); now.Total != 100 {
		t.Fatalf("the first batch was %+v", now)
	}
	check(t, r.DeleteGrant(t.Context(), r.admin, string(grant.ID)))
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, 97, 0, 56)
	mine, err := r.Job(t.Context(), olga, string(job.ID))
	check(t, err)
	if len(mine.Faults) != 0 {
		t.Errorf("it tells of others' devices: %v", mine.Faults)
	}
}

func TestJobCountsWhatCannotBe(t *testing.T) {
	r := newRig(t)
	bob := person("bob")
	issued := r.devices(3, func(o *enroll.NewOrder) { o.Owner = bob.ID() })
	r.act(issued[1].Device, identity.Revoke, "")
	job := r.start(r.admin, bob.ID(), enroll.NewJob{Action: "hold"})
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, 2, 1, 0)
	if faults := r.job(job.ID).Faults; len(faults) != 1 || faults[0] != (enroll.JobFault{Device: issued[1].Device, Code: enroll.WrongState}) {
		t.Errorf("it names %v", faults)
	}
	self := r.start(bob, "me", enroll.NewJob{Action: "hold"}) // as each of them alone
	check(t, r.JobsDue(t.Context()))
	r.wantJob(self.ID, 2, 1, 0)
	operator := holding("olga", identity.Operator, "/")
	own := r.start(operator, bob.ID(), enroll.NewJob{Action: "reassign", To: operator.ID()})
	check(t, r.JobsDue(t.Context()))
	r.wantJob(own.ID, 0, 3, 0) // she could not hold them
	if got := r.owned(bob); len(got) != 3 {
		t.Errorf("bob has %v", got)
	}
}

func TestWhoStartsAndSeesJobs(t *testing.T) {
	r := newRig(t)
	bob := person("bob")
	r.devices(1, func(o *enroll.NewOrder) { o.Owner = bob.ID() })
	ann := person("ann")
	for name, c := range map[string]struct {
		p     identity.Principal
		user  string
		asked enroll.NewJob
		want  enroll.Code
	}{
		"nobody":                  {identity.Principal{}, bob.ID(), enroll.NewJob{Action: "hold"}, enroll.Unauthenticated},
		"who holds nothing":       {ann, bob.ID(), enroll.NewJob{Action: "hold"}, enroll.Forbidden},
		"the owner, revoking":     {bob, "me", enroll.NewJob{Action: "revoke"}, enroll.Forbidden},
		"the owner, reassigning":  {bob, "me", enroll.NewJob{Action: "reassign", To: ann.ID()}, enroll.Forbidden},
		"an operator, holding":    {holding("olga", identity.Operator, "/"), bob.ID(), enroll.NewJob{Action: "hold"}, enroll.Forbidden},
		"security, reassigning":   {holding("sam", identity.Security, "/"), bob.ID(), enroll.NewJob{Action: "reassign", To: ann.ID()}, enroll.Forbidden},
		"no action":               {r.admin, bob.ID(), enroll.NewJob{}, enroll.BadRequest},
		"another action":          {r.admin, bob.ID(), enroll.NewJob{Action: "retire"}, enroll.BadRequest},
		"a reason of another":     {r.admin, bob.ID(), enroll.NewJob{Action: "hold", Reason: "keyCompromise"}, enroll.BadRequest},
		"reassigned to nobody":    {r.admin, bob.ID(), enroll.NewJob{Action: "reassign"}, enroll.BadRequest},
		"reassigned to the same":  {r.admin, bob.ID(), enroll.NewJob{Action: "reassign", To: bob.ID()}, enroll.BadRequest},
		"reassigned for a reason": {r.admin, bob.ID(), enroll.NewJob{Action: "reassign", To: ann.ID(), Reason: "superseded"}, enroll.BadRequest},
		"held, and to somebody":   {r.admin, bob.ID(), enroll.NewJob{Action: "hold", To: ann.ID()}, enroll.BadRequest},
		"of nobody":               {r.admin, "person:0123456789abcdef0123456789abcdef", enroll.NewJob{Action: "hold"}, enroll.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.StartJob(t.Context(), c.p, c.user, c.asked)
			wantCode(t, err, c.want)
		})
	}
	if n := r.count(enroll.JobStarted); n != 0 {
		t.Errorf("%d jobs were started", n)
	}
	sam := holding("sam", identity.Security, "/berlin")
	job := r.start(sam, bob.ID(), enroll.NewJob{Action: "hold"})
	if event := r.last(enroll.JobStarted); event.About != string(job.ID) || event.For != job.User || event.Operation != "hold" {
		t.Errorf("recorded as %+v", event)
	}
	_, err := r.Job(t.Context(), sam, string(job.ID))
	check(t, err)
	for _, p := range []identity.Principal{bob, holding("stan", identity.Security, "/berlin"), holding("olga", identity.Operator, "/")} {
		_, err := r.Job(t.Context(), p, string(job.ID))
		wantCode(t, err, enroll.NotFound)
	}
	_, err = r.Job(t.Context(), r.admin, "x")
	wantCode(t, err, enroll.NotFound)
	_, err = r.Job(t.Context(), identity.Principal{}, string(job.ID))
	wantCode(t, err, enroll.Unauthenticated)
	check(t, r.JobsDue(t.Context()))
	r.clock.advance(31 * 24 * time.Hour)
	r.start(r.admin, bob.ID(), enroll.NewJob{Action: "release"})
	check(t, r.JobsDue(t.Context()))
	_, err = r.Job(t.Context(), sam, string(job.ID))
	wantCode(t, err, enroll.NotFound) // the log alone knows of it
}
