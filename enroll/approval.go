package enroll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// ApprovalID names a request that waits for a second person: 16 characters of
// lower-case base32, the first of them its time, so that requests sort by age.
type ApprovalID string

// ApprovalState says what became of a request.
type ApprovalState string

// The states of a request. All but the first are final.
const (
	RequestWaiting   ApprovalState = "waiting"
	RequestApproved  ApprovalState = "approved"
	RequestDenied    ApprovalState = "denied"
	RequestWithdrawn ApprovalState = "withdrawn" // by whoever made it
	RequestExpired   ApprovalState = "expired"
)

// Approval is a request that waits for a second person, or what became of it.
type Approval struct {
	ID ApprovalID `json:"id"`
	// Kind and Deed are what it will do, as it was asked for; Words say so for people.
	Kind  deedKind        `json:"kind"`
	Deed  json.RawMessage `json:"deed"`
	Words string          `json:"words"`
	// Permission is what whoever approves must hold at each of the fleets.
	Permission identity.Permission `json:"permission"`
	Fleets     []identity.FleetID  `json:"fleets"`
	// Paths are what the fleets are called now, each where the principal that is told
	// of the request may know it, and empty where not.
	Paths   []identity.FleetPath `json:"-"`
	Devices int                  `json:"devices,omitempty"`
	// Maker is the principal's id, and Responsible the pseudonymous one of who answers
	// for it.
	Maker       string `json:"maker"`
	Responsible string `json:"responsible"`
	// Counted is the pseudonymous id of whom it counts against while it waits; empty of
	// requests from before that was so.
	Counted   string        `json:"counted,omitempty"`
	State     ApprovalState `json:"state"`
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
	DecidedBy string        `json:"decided_by,omitempty"` // pseudonymous id
	DecidedAt time.Time     `json:"decided_at,omitzero"`
	Comment   string        `json:"comment,omitempty"` // of whoever decided
}

// StateAt returns what has become of the request at the time now.
func (a *Approval) StateAt(now time.Time) ApprovalState {
	if a.State == RequestWaiting && !now.Before(a.ExpiresAt) {
		return RequestExpired
	}
	return a.State
}

// Waiting is the answer to what waits for a second person: it is neither done nor
// refused.
type Waiting struct {
	Approval Approval
	// RetryAfter is when it may be worth asking again.
	RetryAfter time.Duration
}

// Error says that it waits, and for what.
func (w *Waiting) Error() string {
	return fmt.Sprintf("waits for a second person who holds %s there: request %s, until %s", w.Approval.Permission, w.Approval.ID, w.Approval.ExpiresAt.Format(time.RFC3339))
}

// maxApprovalFleets bounds the fleets that one request is about.
const maxApprovalFleets = 1_000

// approvalRetry is when it may be worth asking whether somebody has approved.
const approvalRetry = time.Minute

// ask records a deed that waits.
func (s *Service) ask(ctx context.Context, tx Tx, a *access, d deed, w weight, id ApprovalID) (*Approval, error) {
	if len(w.places) > maxApprovalFleets {
		return nil, Refuse(TooLarge, "this reaches over %d fleets, more than one request can ask for; do it branch by branch", maxApprovalFleets)
	}
	if err := a.mayAskMore(tx, d); err != nil {
		return nil, err
	}
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("a deed that waits: %w", err)
	}
	lifetime, _ := w.places[0].policy.ApprovalLifetime()
	asked := &Approval{
		ID: id, Kind: d.kind(), Deed: data, Words: w.words, Permission: w.permission, Devices: w.devices, Maker: a.who.ID(),
		Responsible: a.responsible(), Counted: a.responsible(), State: RequestWaiting, CreatedAt: a.now, ExpiresAt: a.now.Add(lifetime),
	}
	for _, at := range w.places {
		asked.Fleets = append(asked.Fleets, at.id)
	}
	a.name(asked, w.places)
	event := s.event(ctx, a.who, ApprovalRequested)
	event.at(w.places[0])
	event.About, event.Operation, event.Grant, event.Comment, event.NotAfter = string(id), string(w.permission), w.grant, w.words, &asked.ExpiresAt
	key, err := waitKey(d, a.who.ID())
	if err != nil {
		return nil, err
	}
	return asked, errors.Join(
		s.remember(tx, a.who),
		putDocument(tx, ApprovalDocument, string(id), asked),
		putDocument(tx, ApprovalOfDocument, asked.countedAt(), asksUntil{asked.ExpiresAt}),
		putDocument(tx, ApprovalForDocument, key, askedFor{ID: id}),
		forgetApprovals(tx, a.now),
		s.append(tx, a.who, event),
	)
}

// readApproval returns a request that the principal may know of: its maker's own,
// or one that it could decide.
func (s *Service) readApproval(r Reader, a *access, id string) (Approval, []*place, error) {
	asked, err := readDocument[Approval](r, ApprovalDocument, id)
	if errors.Is(err, ErrNotFound) {
		return asked, nil, errApproval()
	}
	if err != nil {
		return asked, nil, err
	}
	places, told, err := a.mayDecide(r, &asked)
	if err == nil && !told && !a.made(&asked) {
		err = errApproval()
	}
	a.name(&asked, places)
	return asked, places, err
}

// name fills in what the fleets of a request are called, as far as the principal may
// know.
func (a *access) name(asked *Approval, places []*place) {
	if asked == nil {
		return
	}
	asked.Paths = nil
	for _, at := range places {
		path := identity.FleetPath("")
		if a.may(asked.Permission, at) || a.may(identity.FleetRead, at) {
			path = at.path
		}
		asked.Paths = append(asked.Paths, path)
	}
}

func errApproval() error { return Refuse(NotFound, "no such request") }

// responsible is the pseudonymous id of who answers for what the principal does.
func (a *access) responsible() string { return a.people.named(a.who.Responsible()) }

// made reports whether a request is the principal's own, or a token's of theirs. What
// its maker asked for, or another token did, is none of a token's business.
func (a *access) made(asked *Approval) bool {
	if a.who.Kind == identity.ScopedToken {
		return asked.Maker == a.who.ID()
	}
	return asked.Responsible == a.responsible()
}

// mayDecide returns the places that a request is about, and whether the principal
// holds its permission at each of them.
func (a *access) mayDecide(r Reader, asked *Approval) (places []*place, may bool, err error) {
	may = len(asked.Fleets) > 0
	for _, id := range asked.Fleets {
		at, err := a.moment.past(r, id)
		if err != nil {
			return nil, false, err
		}
		places = append(places, at)
		may = may && a.may(asked.Permission, at)
	}
	return places, may, nil
}
