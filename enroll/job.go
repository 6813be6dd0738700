package enroll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// JobID names a job: 16 characters of lower-case base32, the first of them its time
// of creation.
type JobID string

// JobAction is what a job does to each of a person's devices.
type JobAction string

// The actions of jobs.
const (
	JobHold     JobAction = "hold"
	JobRelease  JobAction = "release" // from hold
	JobRevoke   JobAction = "revoke"
	JobReassign JobAction = "reassign" // to another person
)

// JobActions lists the actions of jobs.
func JobActions() []JobAction { return []JobAction{JobHold, JobRelease, JobRevoke, JobReassign} }

// permission is what the action takes on each device.
func (a JobAction) permission() identity.Permission {
	if a == JobReassign {
		return identity.DeviceAssign
	}
	return identity.ActionPermission(a.act())
}

// act is what the action does to a device's certificates.
func (a JobAction) act() identity.Action { return identity.Action(a) }

// JobState says whether a job goes on.
type JobState string

// The states of a job.
const (
	JobRunning JobState = "running"
	JobDone    JobState = "done"
)

// Bounds of jobs.
const (
	// jobBatch is how many devices one transaction acts on.
	jobBatch = 100
	// maxJobFaults bounds the devices that a job names because they could not be
	// acted on.
	maxJobFaults = 100
	// maxJobFleets bounds the fleets that a job remembers to have been weighed in.
	maxJobFleets = 1_000
	// jobRetention is how long a job that is done can be looked at. The log keeps that
	// it was.
	jobRetention = 30 * 24 * time.Hour
)

// JobFault is a device that a job could not act on.
type JobFault struct {
	Device identity.DeviceID `json:"device"`
	Code   Code              `json:"code"`
}

// Job does one thing to all devices of a person, in the background, on whichever
// node there is. It goes on where it was after a crash.
type Job struct {
	ID     JobID     `json:"id"`
	User   string    `json:"user"` // pseudonymous id of whose devices
	Action JobAction `json:"action"`
	// Reason and Comment are as for one device; To is whom a reassignment gives them,
	// by pseudonymous id.
	Reason  string   `json:"reason,omitempty"`
	Comment string   `json:"comment,omitempty"`
	To      string   `json:"to,omitempty"`
	State   JobState `json:"state"`
	// Total is how many devices were looked at so far. Done are as they should be,
	// Failed cannot be, and Skipped are none of the maker's business.
	Total   int        `json:"total"`
	Done    int        `json:"done"`
	Failed  int        `json:"failed"`
	Skipped int        `json:"skipped"`
	Faults  []JobFault `json:"faults,omitempty"` // the first of those that failed

	CreatedAt time.Time `json:"created_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	CreatedBy string    `json:"created_by"` // pseudonymous id

	// Maker is the id of who started it, whose work it does.
	Maker   string `json:"maker"`
	Request string `json:"request,omitempty"` // the request that started it, for events
	// Fleets are where its devices stood when it was weighed, and perhaps approved, up
	// to maxJobFleets.
	Fleets []identity.FleetID `json:"fleets,omitempty"`
	// After is the cursor of the next part, Last the device that came last before it.
	After string            `json:"after,omitempty"`
	Last  identity.DeviceID `json:"last,omitempty"`
}

// NewJob asks for a job.
type NewJob struct {
	Action  string `json:"action"`
	Reason  string `json:"reason,omitempty"`
	Comment string `json:"comment,omitempty"`
	To      string `json:"to,omitempty"` // a person, as NewOwner.User; reassign only
}

// StartJob has one thing done to all devices of a person on which p may do it.
// Others are counted and not told. It returns once that is certain to happen.
func (s *Service) StartJob(ctx context.Context, p identity.Principal, user string, asked NewJob) (job Job, err error) {
	action := JobAction(asked.Action)
	if !slices.Contains(JobActions(), action) {
		return Job{}, RefuseField("action", "a job does one of %v to all devices of a person", JobActions())
	}
	if err := s.need(ctx, p, action.permission()); err != nil {
		return Job{}, err
	}
	if err := s.checkJob(asked); err != nil {
		return Job{}, err
	}
	id, err := s.newOrderID(s.now())
	if err != nil {
		return Job{}, err
	}
	d := &startJob{User: user, ID: JobID(id), NewJob: asked, calls: true}
	err = s.perform(ctx, p, d)
	return d.job, err
}

// checkJob reports what is wrong with what was asked for.
func (s *Service) checkJob(asked NewJob) error {
	if action := JobAction(asked.Action); action != JobReassign {
		_, err := s.withdrawalOf(action.act(), asked.Reason, asked.Comment)
		if err == nil && asked.To != "" {
			err = RefuseField("to", "a person to give devices to is named for %s alone", JobReassign)
		}
		return err
	}
	switch {
	case asked.To == "":
		return RefuseField("to", "name the person who is to have the devices")
	case asked.Reason != "":
		return RefuseField("reason", "reassigning takes no reason; a comment can say why")
	default:
		return checkComment(asked.Comment)
	}
}

// tell says in an event which job it is about.
func (j *Job) tell(e *Event) {
	e.About, e.Operation, e.Reason, e.Comment, e.For = string(j.ID), string(j.Action), j.Reason, j.Comment, j.User
	if j.Action == JobReassign {
		e.For, e.Before = j.To, j.User
	}
}

// Job returns a job to whoever started it, and to those who could do the same on the
// whole tree.
func (s *Service) Job(ctx context.Context, p identity.Principal, id string) (job Job, err error) {
	if p.Kind == identity.Anonymous {
		return Job{}, s.deny(ctx, p, identity.DeviceRead)
	}
	err = s.store.View(ctx, func(r Reader) error {
		missing := Refuse(NotFound, "no such job")
		if job, err = readDocument[Job](r, JobDocument, id); errors.Is(err, ErrNotFound) {
			return missing
		}
		if err != nil {
			return err
		}
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		whole, err := a.everywhere(r, job.Action.permission())
		if err == nil && !whole && job.CreatedBy != s.people.pseudonym(p) {
			err = missing
		}
		return err
	})
	if err != nil {
		return Job{}, err
	}
	return job, nil
}
