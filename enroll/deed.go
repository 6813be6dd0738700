package enroll

import (
	"context"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// deed is something that a principal does and that may have to wait for a second
// person. It is JSON while it waits, and is weighed again when it is approved: what
// was so when it was asked for may have changed. The set is closed: newDeed knows
// every kind.
type deed interface {
	kind() deedKind
	// weigh checks the deed against what the store says now and against what its
	// doer may, and says what it amounts to. It writes nothing.
	weigh(s *Service, r Reader, a *access) (weight, error)
	// do writes the deed and its events.
	do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error
	// after tells those who need to know, once the deed is durable.
	after(s *Service)
}

// deedKind names a kind of deed in documents and to clients.
type deedKind string

// Every kind of deed.
const (
	deedAct            deedKind = "device.act"
	deedActCertificate deedKind = "certificate.act"
	deedReenrol        deedKind = "device.reenrol"
	deedEditFleet      deedKind = "fleet.edit"
	deedDeleteFleet    deedKind = "fleet.delete"
	deedSetPolicy      deedKind = "policy.set"
	deedCreateGrant    deedKind = "grant.create"
	deedDeleteGrant    deedKind = "grant.delete"
	deedPutRole        deedKind = "role.put"
	deedDeleteRole     deedKind = "role.delete"
	deedEnrol          deedKind = "device.enrol"
	deedAssign         deedKind = "owner.assign"
	deedRelease        deedKind = "owner.release"
	deedStartJob       deedKind = "job.start"
)

// newDeed returns an empty deed of a kind, nil for one that is not known.
func newDeed(kind deedKind) deed {
	switch kind {
	case deedAct:
		return &act{}
	case deedActCertificate:
		return &actOnCertificate{}
	case deedReenrol:
		return &allowReenrol{}
	case deedEditFleet:
		return &editFleet{}
	case deedDeleteFleet:
		return &deleteFleet{}
	case deedSetPolicy:
		return &setPolicy{}
	case deedCreateGrant:
		return &createGrant{}
	case deedDeleteGrant:
		return &dropGrant{}
	case deedPutRole:
		return &putRole{}
	case deedDeleteRole:
		return &dropRole{}
	case deedEnrol:
		return &admitEnrolment{}
	case deedAssign:
		return &assignOwner{}
	case deedRelease:
		return &releaseOwner{}
	case deedStartJob:
		return &startJob{}
	default:
		return nil
	}
}

// weight is what a deed amounts to.
type weight struct {
	// permission is what the doer holds, and a second person must hold, at each of
	// the places. What is done to authority reaches down from the first of them.
	permission identity.Permission
	places     []*place
	grant      string // what lets the doer
	subject    policy.Subject
	devices    int    // how many it acts on
	words      string // what it will do, for people
	// turns says that decisions rest on what it changes.
	turns bool
	// changesNothing says that all is so already: then there is nothing to wait for.
	changesNothing bool
}

// perform does a deed, or has it wait: then the error is *Waiting.
func (s *Service) perform(ctx context.Context, p identity.Principal, d deed) error {
	id, err := s.newOrderID(s.now())
	if err != nil {
		return err
	}
	var waiting *Approval
	var w weight
	var counted stridden
	err = s.store.Update(ctx, func(tx Tx) error {
		waiting = nil
		s.strides.takeBack(&counted)
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		if w, err = d.weigh(s, tx, a); err != nil {
			return err
		}
		mustWait, err := s.mustWait(tx, a, w)
		if err != nil {
			return err
		}
		if mustWait {
			if waiting, err = asksAlready(tx, a, d); waiting != nil || err != nil {
				a.name(waiting, w.places)
				return err
			}
			if waiting, err = s.ask(ctx, tx, a, d, w, ApprovalID(id)); err != nil {
				return err
			}
			return s.turn(tx) // its maker is remembered from now on
		}
		counted = s.stride(a, w) // before it is done, for others may ask in the same batch
		return s.carryOut(ctx, tx, a, d, w)
	})
	if err != nil {
		s.strides.takeBack(&counted)
		return err
	}
	if waiting != nil {
		return &Waiting{Approval: *waiting, RetryAfter: approvalRetry}
	}
	d.after(s)
	return nil
}

// stride counts a deed against its doer.
func (s *Service) stride(a *access, w weight) stridden {
	if w.subject != policy.SubjectActions || w.changesNothing {
		return stridden{}
	}
	return s.strides.add(a.who.Responsible(), w.devices, a.now)
}

// carryOut writes a deed, and turns the revision last where decisions rest on it.
func (s *Service) carryOut(ctx context.Context, tx Tx, a *access, d deed, w weight) error {
	if err := d.do(ctx, s, tx, a, w); err != nil || !w.turns {
		return err
	}
	return s.turn(tx)
}

// mustWait reports whether a second person has to approve. The break-glass token is
// for when nobody else is there, and owners need nobody for what is theirs.
func (s *Service) mustWait(r Reader, a *access, w weight) (bool, error) {
	if a.who.Kind == identity.BreakGlass || w.grant == ownersGrant || w.changesNothing {
		return false, nil
	}
	for _, at := range w.places {
		if w.subject != policy.SubjectActions && at.policy.NeedsApproval(w.subject) {
			return true, nil
		}
		if w.subject == policy.SubjectActions && at.policy.ActionWaits(w.devices+s.strides.lately(a.who.Responsible(), a.now)) {
			return true, nil
		}
	}
	if w.subject == policy.SubjectAuthority {
		return guardedBelow(r, w.places[0])
	}
	return false, nil
}
