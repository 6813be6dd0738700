package enroll

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// weighedDevices bounds how many of a person's devices are looked at to weigh a job.
// One over more of them counts as one over that many.
const weighedDevices = 10_000

// startJob starts a job over all devices of a person.
type startJob struct {
	User string `json:"user"`
	ID   JobID  `json:"id"`
	NewJob

	job Job
	// calls says that whoever starts it calls now, and not somebody who approves it:
	// their groups are as the provider says.
	calls bool
}

func (d *startJob) kind() deedKind { return deedStartJob }

// weigh finds where the person's devices stand that the maker may act on: there a
// second person must be able to do the same.
func (d *startJob) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if err := s.checkJob(d.NewJob); err != nil {
		return w, err
	}
	action := JobAction(d.Action)
	d.job = Job{ID: d.ID, Action: action, Reason: d.Reason, Comment: d.Comment, State: JobRunning, Maker: a.who.ID()}
	if d.job.User, err = a.user(r, d.User); err == nil && d.job.User == "" {
		err = Refuse(NotFound, "no such person")
	}
	if err == nil {
		d.job.To, err = s.findOwner(r, a, "to", d.To)
	}
	if err != nil {
		return w, err
	}
	if d.job.To == d.job.User {
		return w, RefuseField("to", "the devices belong to this person already")
	}
	w = weight{permission: action.permission(), subject: policy.SubjectActions, turns: true}
	if err := a.weighOwned(r, d.job.User, &w); err != nil {
		return w, err
	}
	for _, at := range w.places[:min(len(w.places), maxJobFleets)] {
		d.job.Fleets = append(d.job.Fleets, at.id)
	}
	w.words = fmt.Sprintf("%s all devices of %s, %d on which the asker may", d.Action, d.job.User, w.devices)
	return w, nil
}

// weighOwned adds what acting on all devices of a person amounts to.
func (a *access) weighOwned(r Reader, person string, w *weight) error {
	seen := map[identity.FleetID]bool{}
	for page, looked := (Page{Limit: MaxPage}), 0; looked < weighedDevices; {
		found, err := r.Documents(OwnedDocument, granteeKey(person)+"/", page)
		if err != nil {
			return err
		}
		for _, document := range found.Items {
			var entry owned
			if err := decodeDocument(document, &entry); err != nil {
				return err
			}
			d, at, err := a.deviceAt(r, entry.Device)
			if err != nil {
				return err
			}
			grant := a.deviceGrant(w.permission, &d, at)
			if grant == "" {
				continue
			}
			if w.devices++; w.grant == "" || w.grant == ownersGrant {
				w.grant = grant
			}
			if !seen[at.id] {
				seen[at.id] = true
				w.places = append(w.places, at)
			}
		}
		looked += len(found.Items)
		if page.After = found.Next; page.After == "" {
			break
		}
	}
	return nil
}

func (d *startJob) do(ctx context.Context, s *Service, tx Tx, a *access, _ weight) error {
	event := s.event(ctx, a.who, JobStarted)
	d.job.CreatedAt, d.job.CreatedBy, d.job.Request = event.Time, event.Actor, event.Request
	d.job.tell(&event)
	var err error
	if d.calls {
		err = s.remember(tx, a.who)
	}
	return errors.Join(
		err,
		s.know(tx, d.To),
		putDocument(tx, JobDocument, string(d.job.ID), d.job),
		tx.PutDocument(JobOpenDocument, string(d.job.ID), nil),
		s.append(tx, a.who, event),
	)
}

func (d *startJob) after(s *Service) { s.wakeJobs() }
