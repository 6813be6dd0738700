package enroll_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// leaver is somebody who owns n expected devices of /berlin/line-3, on a store of its
// own in memory.
func leaver(t *testing.T, n int) (*rig, identity.Principal) {
	t.Helper()
	r := newRigOn(t, storetest.NewMemory(), "", newIssuer(t, nil))
	bob := person("bob")
	serials := make([]string, n)
	for i := range n {
		serials[i] = serialOf(i)
	}
	r.order(n, func(o *enroll.NewOrder) { o.Serials = serials })
	for _, serial := range serials {
		r.give(identity.DeviceID("TH20-"+serial), bob)
	}
	return r, bob
}

func (r *rig) start(p identity.Principal, user string, asked enroll.NewJob) enroll.Job {
	r.tb.Helper()
	job, err := r.StartJob(r.tb.Context(), p, user, asked)
	check(r.tb, err)
	return job
}

func (r *rig) job(id enroll.JobID) enroll.Job {
	r.tb.Helper()
	job, err := r.Job(r.tb.Context(), r.admin, string(id))
	check(r.tb, err)
	return job
}

// onto returns a service of the same installation on another view of its store.
func (r *rig) onto(store enroll.Store) *rig {
	r.tb.Helper()
	other := newRigOn(r.tb, store, "", r.issuer)
	other.clock = r.clock
	return other
}

// wantJob fails unless the job did its work, once, to so many devices.
func (r *rig) wantJob(id enroll.JobID, done, failed, skipped int) {
	r.tb.Helper()
	job := r.job(id)
	if job.State != enroll.JobDone || job.Total != done+failed+skipped || job.Done != done || job.Failed != failed || job.Skipped != skipped {
		r.tb.Fatalf("the job is %s: of %d devices %d done, %d failed, %d skipped; want %d, %d, %d",
			job.State, job.Total, job.Done, job.Failed, job.Skipped, done, failed, skipped)
	}
	ended := 0
	for _, event := range r.log() {
		if event.Kind == enroll.JobEnded && event.About == string(id) {
			ended++
			if event.Count != done {
				r.tb.Errorf("its end is recorded as %+v", event)
			}
		}
	}
	if ended != 1 {
		r.tb.Errorf("the job ended %d times", ended)
	}
}

// wantReassigned fails unless each of n devices came to belong to a person, once.
func (r *rig) wantReassigned(n int, to identity.Principal) {
	r.tb.Helper()
	times := map[identity.DeviceID]int{}
	for _, event := range r.log() {
		if event.Kind == enroll.OwnerChanged && event.Operation == "reassign" {
			times[event.Device]++
		}
	}
	for i := range n {
		if id := identity.DeviceID("TH20-" + serialOf(i)); times[id] != 1 {
			r.tb.Errorf("%s came to another %d times", id, times[id])
		}
	}
	list, err := r.UserDevices(r.tb.Context(), r.admin, to.ID(), enroll.Page{Limit: enroll.MaxPage})
	check(r.tb, err)
	if len(list.Items) != n {
		r.tb.Errorf("%d of %d devices are theirs", len(list.Items), n)
	}
}

// A thousand devices, on the way from a request to OCSP and the CRLs.
func TestJobHoldsAThousandDevices(t *testing.T) {
	r := newRigOn(t, storetest.NewMemory(), "", newIssuer(t, nil))
	bob := person("bob")
	issued := r.devices(1_000, func(o *enroll.NewOrder) { o.Owner = bob.ID() })
	told := map[ca.Serial]bool{}
	r.OnWithdrawn(func(serials ...ca.Serial) {
		for _, serial := range serials {
			told[serial] = true
		}
	})
	ctx := enroll.WithRequestID(t.Context(), "req-7")
	job, err := r.StartJob(ctx, holding("sam", identity.Security, "/berlin"), bob.ID(), enroll.NewJob{Action: "hold", Comment: "left"})
	check(t, err)
	if job.State != enroll.JobRunning || job.Total != 0 {
		t.Errorf("it began as %+v", job)
	}
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, 1_000, 0, 0)
	held := map[identity.DeviceID]int{}
	for _, event := range r.log() {
		if event.Kind == enroll.DeviceHeld {
			held[event.Device]++
			if event.Actor != job.CreatedBy || event.Comment != "left" || event.Request != "req-7" || event.Grant != "configuration:security" {
				t.Fatalf("recorded as %+v", event)
			}
		}
	}
	for _, d := range issued {
		if held[d.Device] != 1 || !told[d.Certificate.Serial] {
			t.Fatalf("%s was held %d times, and OCSP was told: %v", d.Device, held[d.Device], told[d.Certificate.Serial])
		}
	}
	again := r.start(r.admin, bob.ID(), enroll.NewJob{Action: "hold"})
	events := len(r.log())
	check(t, r.JobsDue(t.Context()))
	r.wantJob(again.ID, 1_000, 0, 0)
	if n := len(r.log()) - events; n != 1 {
		t.Errorf("doing it again made %d events, want the end of the job", n)
	}
}

// The power is cut at every step in turn, before and after it was done. The next node
// does the rest, and nothing twice.
func TestJobCrashesAtEveryStep(t *testing.T) {
	const n = 205
	ann := person("ann")
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprintf("kept=%v", kept), func(t *testing.T) {
			for at := 1; ; at++ {
				r, bob := leaver(t, n)
				job := r.start(r.admin, bob.ID(), enroll.NewJob{Action: "reassign", To: ann.ID()})
				crash := &steps{}
				worker := r.onto(steppedStore{r.store, crash})
				*crash = steps{at: at, kept: kept, lost: !kept}
				err := worker.JobsDue(t.Context())
				if err == nil && !crash.down {
					if at < 10 {
						t.Fatalf("only %d steps", at)
					}
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("step %d: error %v", at, err)
				}
				check(t, r.JobsDue(t.Context()))
				r.wantJob(job.ID, n, 0, 0)
				r.wantReassigned(n, ann)
			}
		})
	}
}

// insideStore has the n-th write of a device of every transaction fail.
type insideStore struct {
	enroll.Store
	at *int
}

type insideTx struct {
	enroll.Tx
	left *int
}

func (s insideStore) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	return s.Store.Update(ctx, func(tx enroll.Tx) error {
		left := *s.at
		return fn(insideTx{tx, &left})
	})
}

func (tx insideTx) PutDevice(d enroll.Device) error {
	if *tx.left--; *tx.left == 0 {
		return errCrash
	}
	return tx.Tx.PutDevice(d)
}

func TestJobCrashesInsideABatch(t *testing.T) {
	const n = 130
	r, bob := leaver(t, n)
	ann := person("ann")
	at := 0
	worker := r.onto(insideStore{r.store, &at})
	job := r.start(r.admin, bob.ID(), enroll.NewJob{Action: "reassign", To: ann.ID()})
	for _, at = range []int{1, 50, 100} {
		if err := worker.JobsDue(t.Context()); !errors.Is(err, errCrash) {
			t.Fatalf("at the write %d: error %v", at, err)
		}
		if now := r.job(job.ID); now.Total != 0 || r.count(enroll.OwnerChanged) != n {
			t.Fatalf("half a batch was written: %+v", now)
		}
	}
	at = 31 // which the second batch does not reach
	if err := worker.JobsDue(t.Context()); !errors.Is(err, errCrash) {
		t.Fatalf("error %v", err)
	}
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, n, 0, 0)
	r.wantReassigned(n, ann)
}

// Two nodes that both believe to lead: the store in memory lets anybody.
func TestTwoNodesDoAJobOnce(t *testing.T) {
	const n = 450
	r, bob := leaver(t, n)
	ann := person("ann")
	job := r.start(r.admin, bob.ID(), enroll.NewJob{Action: "reassign", To: ann.ID()})
	other := r.onto(r.store)
	var group sync.WaitGroup
	for _, node := range []*rig{r, other} {
		group.Go(func() {
			if err := node.JobsDue(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	r.wantJob(job.ID, n, 0, 0)
	r.wantReassigned(n, ann)
}

// The node that works on a job is cut off, and another takes the job over once the
// term is up; what the first still writes does not count.
func TestAnotherNodeTakesAJobOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, _ := s.join(t, issuer)
		bob := person("bob")
		a.devices(120, func(o *enroll.NewOrder) { o.Owner = bob.ID() })
		job := a.start(a.admin, bob.ID(), enroll.NewJob{Action: "hold"})
		pause := &steps{at: 7} // the lead, before the second batch
		stalled := newRigOn(t, steppedStore{s.nodes[0], pause}, "", issuer, func(c *enroll.Config) { c.Clock = time.Now })
		pause.n, pause.down = 0, false
		stood := false
		pause.do = func() {
			stood = true
			if now := a.job(job.ID); now.Total != 100 || now.State != enroll.JobRunning {
				t.Errorf("it stalled at %+v", now)
			}
			pass(enroll.LeadTerm)
			check(t, b.JobsDue(t.Context()))
		}
		check(t, stalled.JobsDue(t.Context()))
		if !stood {
			t.Error("it never stood still")
		}
		a.wantJob(job.ID, 120, 0, 0)
		if n := a.count(enroll.DeviceHeld); n != 120 {
			t.Errorf("%d devices were held", n)
		}
	})
}

// Run does jobs as they come, and those that were left behind.
func TestRunDoesJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		bob := person("bob")
		a.devices(3, func(o *enroll.NewOrder) { o.Owner = bob.ID() })
		behind := a.start(a.admin, bob.ID(), enroll.NewJob{Action: "hold"})
		b, _ := s.join(t, issuer)
		run(t, b)
		pass(time.Second)
		b.wantJob(behind.ID, 3, 0, 0)
		next := b.start(b.admin, bob.ID(), enroll.NewJob{Action: "release"})
		pass(time.Millisecond)
		b.wantJob(next.ID, 3, 0, 0)
		elsewhere := a.start(a.admin, bob.ID(), enroll.NewJob{Action: "revoke", Reason: "affiliationChanged"})
		pass(3 * time.Second)
		b.wantJob(elsewhere.ID, 3, 0, 0)
		if event := b.last(enroll.DeviceRevoked); event.Reason != "affiliationChanged" {
			t.Errorf("recorded as %+v", event)
		}
	})
}
