package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// jobsEvery is how often a node looks for jobs that others started, or left behind.
const jobsEvery = 2 * time.Second

// runJobs does what was asked for many devices at once until ctx is done.
func (s *Service) runJobs(ctx context.Context) error {
	ticker := time.NewTicker(jobsEvery)
	defer ticker.Stop()
	for {
		if err := s.JobsDue(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "a job could not go on; what it did stays done, and the next attempt follows", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.jobWork:
		case <-ticker.C:
		}
	}
}

// wakeJobs has this node look for jobs at once.
func (s *Service) wakeJobs() {
	select {
	case s.jobWork <- struct{}{}:
	default:
	}
}

// JobsDue does the jobs that are open, to their end, where this node is the one that
// does so. Run calls it. Wherever it is interrupted, the next call goes on: a batch
// of devices and the place where it ends are written together.
func (s *Service) JobsDue(ctx context.Context) error {
	for {
		open, err := s.openJobs(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		token, err := s.store.Lead(ctx, TaskJobs)
		if err != nil || token == 0 {
			return err
		}
		var faults []error
		for _, id := range open { // a batch of each in turn, so that none waits for another's end
			err := s.workOn(ctx, id, token)
			if errors.Is(err, ErrNotLeading) {
				return nil // another node took over, and goes on
			}
			faults = append(faults, err)
		}
		if err := errors.Join(append(faults, ctx.Err())...); err != nil {
			return err
		}
	}
}

// openJobs returns some of the jobs that are not done.
func (s *Service) openJobs(ctx context.Context) (ids []string, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		found, err := r.Documents(JobOpenDocument, "", Page{Limit: DefaultPage})
		ids = nil
		for _, d := range found.Items {
			ids = append(ids, d.Key)
		}
		return err
	})
	return ids, err
}

// workOn does a job's next batch.
func (s *Service) workOn(ctx context.Context, id string, token uint64) error {
	if now, err := s.store.Lead(ctx, TaskJobs); err != nil {
		return err
	} else if now != token {
		return ErrNotLeading
	}
	var b *batch
	err := s.store.Update(ctx, func(tx Tx) error {
		if err := tx.Leading(TaskJobs, token); err != nil {
			return err
		}
		b = &batch{s: s, tx: tx, now: s.now()}
		return b.do(ctx, id)
	})
	if err == nil {
		s.tellWithdrawn(b.changed)
	}
	return err
}

// batch is one transaction of a job.
type batch struct {
	s       *Service
	tx      Tx
	now     time.Time
	job     Job
	maker   identity.Principal
	a       *access
	w       withdrawal
	changed []ca.Serial
}

func (b *batch) do(ctx context.Context, id string) (err error) {
	if b.job, err = readDocument[Job](b.tx, JobDocument, id); err != nil {
		return err
	}
	if b.job.State != JobRunning {
		return b.tx.DeleteDocument(JobOpenDocument, id)
	}
	ctx = WithRequestID(ctx, b.job.Request)
	if err := b.begin(); err != nil {
		return err
	}
	found, err := b.next()
	if err != nil {
		return err
	}
	for _, d := range found.Items {
		var entry owned
		if err := decodeDocument(d, &entry); err != nil {
			return err
		}
		if entry.Device <= b.job.Last {
			continue // a list that had to begin anew
		}
		if err := b.device(ctx, entry.Device); err != nil {
			return err
		}
		b.job.Last = entry.Device
	}
	if b.job.After = found.Next; found.Next == "" {
		return b.end(ctx)
	}
	return putDocument(b.tx, JobDocument, id, b.job)
}

// begin finds what the maker of the job may do by now. One whose token was revoked, or
// whose device was withdrawn, may do nothing: the job ends, and stops nobody else's.
func (b *batch) begin() (err error) {
	b.maker, err = b.s.doer(b.tx, b.job.Maker)
	var refusal *Refusal
	if gone := errors.As(err, &refusal); gone {
		b.maker = nobodyNow(b.job.Maker)
		b.a = &access{people: b.s.people, who: b.maker, now: b.now}
		b.a.moment, err = b.s.live().moments.at(b.tx)
	} else if err == nil {
		b.a, err = b.s.access(b.tx, b.maker)
	}
	if err != nil || b.job.Action == JobReassign {
		return err
	}
	b.w, err = b.s.withdrawalOf(b.job.Action.act(), b.job.Reason, b.job.Comment)
	return err
}

// nobodyNow names, for events, who may do nothing any more.
func nobodyNow(id string) identity.Principal {
	kind, name, _ := strings.Cut(id, ":")
	if identity.Kind(kind) == identity.Certificate {
		return identity.Principal{Kind: identity.Certificate, Device: identity.DeviceID(name)}
	}
	return identity.Principal{Kind: identity.ScopedToken, Token: name, Maker: id}
}

// next reads the next part of what belongs to the person. A cursor that the store
// does not know comes from the store that this one is a copy of.
func (b *batch) next() (List[Document], error) {
	of := granteeKey(b.job.User) + "/"
	found, err := b.tx.Documents(OwnedDocument, of, Page{After: b.job.After, Limit: jobBatch})
	if errors.Is(err, ErrCursor) {
		found, err = b.tx.Documents(OwnedDocument, of, Page{Limit: jobBatch})
	}
	return found, err
}

// device acts on one device, and counts what came of it.
func (b *batch) device(ctx context.Context, id identity.DeviceID) error {
	d, at, err := b.a.deviceAt(b.tx, id)
	if err != nil {
		return err
	}
	if d.Owner != b.job.User {
		return nil // it came to another in this very moment
	}
	b.job.Total++
	info := DeviceInfo{Device: d, FleetPath: at.path, at: at, grant: b.a.deviceGrant(b.job.Action.permission(), &d, at)}
	if info.grant == "" {
		b.job.Skipped++
		return nil
	}
	err = b.act(ctx, &info)
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		b.job.Done++
		return err
	}
	b.job.Failed++
	if len(b.job.Faults) < maxJobFaults {
		b.job.Faults = append(b.job.Faults, JobFault{Device: id, Code: refusal.Code})
	}
	return nil
}

// act does to a device what the same call for it alone does. A Refusal comes before
// anything is written.
func (b *batch) act(ctx context.Context, info *DeviceInfo) error {
	w := weight{subject: policy.SubjectActions, places: []*place{info.at}, grant: info.grant, devices: 1}
	waits, err := b.s.mustWait(b.tx, b.a, w)
	if err != nil {
		return err
	}
	if !slices.Contains(b.job.Fleets, info.at.id) && waits {
		return Refuse(Forbidden, "the device came to where this waits for a second person after the job was weighed")
	}
	if b.job.Action == JobReassign {
		return b.s.assign(ctx, b.tx, b.a, info, ownerChange{
			to: owners{b.job.To, info.OwnerGroup}, by: b.maker, how: string(JobReassign), grant: info.grant, comment: b.job.Comment,
		})
	}
	changed, err := b.s.actOn(ctx, b.tx, b.maker, info, b.job.Action.act(), b.w)
	b.changed = append(b.changed, changed...)
	return err
}

// end records that all is done.
func (b *batch) end(ctx context.Context) error {
	b.job.State, b.job.EndedAt = JobDone, b.now
	event := b.s.event(ctx, b.maker, JobEnded)
	b.job.tell(&event)
	event.Count = b.job.Done
	return errors.Join(
		putDocument(b.tx, JobDocument, string(b.job.ID), b.job),
		b.tx.DeleteDocument(JobOpenDocument, string(b.job.ID)),
		b.s.append(b.tx, b.maker, event),
		b.forget(),
	)
}

// forget deletes the oldest jobs, once they were done long ago. Each job that ends
// makes room for more than itself.
func (b *batch) forget() error {
	oldest, err := b.tx.Documents(JobDocument, "", Page{Limit: 10})
	if err != nil {
		return err
	}
	for _, d := range oldest.Items {
		var old Job
		if err := decodeDocument(d, &old); err != nil {
			return err
		}
		if old.State == JobDone && b.now.Sub(old.EndedAt) > jobRetention {
			if err := b.tx.DeleteDocument(JobDocument, d.Key); err != nil {
				return err
			}
		}
	}
	return nil
}
