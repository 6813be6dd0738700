package enroll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// Approve does what a request waits to do, as its maker and on the word of p, a
// second person who holds the same permission there. Both are weighed again now:
// what the maker may not do any more is refused.
func (s *Service) Approve(ctx context.Context, p identity.Principal, id, comment string) (Approval, error) {
	var d deed
	var counted stridden
	asked, err := s.decide(ctx, p, id, comment, func(tx Tx, a *access, asked *Approval, places []*place) error {
		s.strides.takeBack(&counted)
		maker, err := s.doer(tx, asked.Maker)
		if err != nil {
			return err
		}
		if d = newDeed(asked.Kind); d == nil {
			return Refuse(Conflict, "this version does not know what the request is to do; deny it and have it asked for again")
		}
		if err := json.Unmarshal(asked.Deed, d); err != nil {
			return fmt.Errorf("the request %s: %w", id, err)
		}
		as, err := s.access(tx, maker)
		if err != nil {
			return err
		}
		w, err := d.weigh(s, tx, as)
		if err != nil {
			return becauseOfMaker(err)
		}
		if err := asked.stillSays(w); err != nil {
			return err
		}
		for _, at := range w.places {
			if !a.may(w.permission, at) {
				return forbidden(w.permission)
			}
		}
		asked.State = RequestApproved
		event := s.decision(ctx, a, ApprovalGiven, asked, places)
		if err := errors.Join(putDecided(tx, asked), s.append(tx, p, event)); err != nil {
			return err
		}
		counted = s.stride(as, w)
		return s.carryOut(ctx, tx, as, d, w)
	})
	if err != nil {
		s.strides.takeBack(&counted)
		return Approval{}, err
	}
	d.after(s)
	return asked, nil
}

// doer makes the principal with an id, of any kind that can have something wait.
func (s *Service) doer(r Reader, id string) (identity.Principal, error) {
	kind, name, _ := strings.Cut(id, ":")
	switch identity.Kind(kind) {
	case identity.Certificate:
		return certified(r, identity.DeviceID(name))
	case identity.ScopedToken:
		t, err := readToken(r, TokenID(name))
		if errors.Is(err, ErrNotFound) {
			return identity.Principal{}, Refuse(Conflict, "the token by which it was asked for has been revoked")
		}
		return t.principal(), err
	default:
		return s.principalOf(r, id)
	}
}

// certified makes the principal of a device's certificate. One that was held, revoked
// or retired shows its certificate to nobody, and nothing is done for it either.
func certified(r Reader, id identity.DeviceID) (identity.Principal, error) {
	p := identity.Principal{Kind: identity.Certificate, Device: id}
	d, err := r.Device(id)
	switch {
	case errors.Is(err, ErrNotFound): // it waits to be enrolled
		return p, nil
	case err == nil && d.State != identity.Active && d.State != identity.Expected:
		return p, Refuse(Conflict, "the device by whose certificate it was asked for is %s", d.State)
	default:
		p.Lineage = d.lineage()
		return p, err
	}
}

// stillSays refuses what has come to be more than the request says, or elsewhere: that
// is not what whoever approves was shown.
func (a *Approval) stillSays(w weight) error {
	there := func(at *place) bool { return slices.Contains(a.Fleets, at.id) }
	elsewhere := slices.ContainsFunc(w.places, func(at *place) bool { return !there(at) })
	if elsewhere || w.devices > a.Devices {
		return Refuse(Conflict, "it would do more by now than the request says (%s); deny it, and have it asked for again", w.words)
	}
	return nil
}

// becauseOfMaker says whose authority a refusal is about.
func becauseOfMaker(err error) error {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	told := *refusal
	if told.Code == Forbidden || told.Code == NotFound {
		told.Code = Conflict
	}
	told.Message = "what was asked for cannot be done now by whoever asked: " + told.Message
	return &told
}

// Deny ends a request: nothing is done.
func (s *Service) Deny(ctx context.Context, p identity.Principal, id, comment string) (Approval, error) {
	return s.decide(ctx, p, id, comment, func(tx Tx, a *access, asked *Approval, places []*place) error {
		asked.State = RequestDenied
		event := s.decision(ctx, a, ApprovalDenied, asked, places)
		return errors.Join(putDecided(tx, asked), s.append(tx, p, event))
	})
}

// decide has a second person decide a request that waits.
func (s *Service) decide(ctx context.Context, p identity.Principal, id, comment string, how func(Tx, *access, *Approval, []*place) error) (Approval, error) {
	var decided Approval
	err := s.changeRequest(ctx, p, id, comment, func(tx Tx, a *access, asked *Approval, places []*place) error {
		if a.responsible() == asked.Responsible {
			return Refuse(Forbidden, "a request is decided by somebody else than whoever made it, with a token of theirs or without; you can withdraw it")
		}
		if a.who.Kind == identity.Certificate {
			return Refuse(Forbidden, "a request is decided by a person; a certificate is nobody's second pair of eyes")
		}
		if _, may, err := a.mayDecide(tx, asked); err != nil || !may {
			return errors.Join(err, forbidden(asked.Permission))
		}
		err := how(tx, a, asked, places)
		decided = *asked
		return err
	})
	return decided, err
}

// changeRequest changes a request that still waits.
func (s *Service) changeRequest(ctx context.Context, p identity.Principal, id, comment string, change func(Tx, *access, *Approval, []*place) error) error {
	if p.Kind == identity.Anonymous {
		return s.deny(ctx, p, "")
	}
	if err := checkComment(comment); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		asked, places, err := s.readApproval(tx, a, id)
		if err != nil {
			return err
		}
		if state := asked.StateAt(a.now); state != RequestWaiting {
			return Refuse(WrongState, "the request is %s", state)
		}
		asked.DecidedBy, asked.DecidedAt, asked.Comment = s.people.pseudonym(p), a.now, comment
		return change(tx, a, &asked, places)
	})
}

// decision begins the event of a decision.
func (s *Service) decision(ctx context.Context, a *access, kind EventKind, asked *Approval, places []*place) Event {
	event := s.event(ctx, a.who, kind)
	event.at(places[0])
	event.About, event.Operation, event.Comment = string(asked.ID), string(asked.Permission), asked.Comment
	event.For, event.Grant = s.people.named(asked.Maker), a.grant(asked.Permission, places[0])
	return event
}

// Withdraw ends a request that its maker, or a token of theirs, has made.
func (s *Service) Withdraw(ctx context.Context, p identity.Principal, id, comment string) (Approval, error) {
	var ended Approval
	err := s.changeRequest(ctx, p, id, comment, func(tx Tx, a *access, asked *Approval, places []*place) error {
		if !a.made(asked) {
			return Refuse(Forbidden, "only whoever made a request withdraws it; you can deny it")
		}
		asked.State = RequestWithdrawn
		event := s.decision(ctx, a, ApprovalWithdrawn, asked, places)
		ended = *asked
		return errors.Join(putDecided(tx, asked), s.append(tx, p, event))
	})
	return ended, err
}

// Approval returns a request.
func (s *Service) Approval(ctx context.Context, p identity.Principal, id string) (asked Approval, err error) {
	if p.Kind == identity.Anonymous {
		return asked, s.deny(ctx, p, "")
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err == nil {
			asked, _, err = s.readApproval(r, a, id)
			asked.State = asked.StateAt(a.now)
		}
		return err
	})
	return asked, err
}

// Approvals lists the requests of the last weeks that p made or could decide, oldest
// first; with waiting only those that still wait.
func (s *Service) Approvals(ctx context.Context, p identity.Principal, waiting bool, page Page) (list List[Approval], err error) {
	if p.Kind == identity.Anonymous {
		return list, s.deny(ctx, p, "")
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		list, err = filled(a.people, "approvals", page, func(page Page) (List[Approval], error) {
			return a.approvalsPart(r, waiting, page)
		})
		return err
	})
	return list, cursorFault(err)
}

// approvalsPart reads one part of the requests, and leaves out what is not to be told.
func (a *access) approvalsPart(r Reader, waiting bool, page Page) (list List[Approval], err error) {
	found, err := r.Documents(ApprovalDocument, "", page)
	if err != nil {
		return list, err
	}
	list.Next = found.Next
	for _, d := range found.Items {
		var asked Approval
		if err := decodeDocument(d, &asked); err != nil {
			return list, err
		}
		asked.State = asked.StateAt(a.now)
		if waiting && asked.State != RequestWaiting {
			continue
		}
		places, may, err := a.mayDecide(r, &asked)
		if err != nil {
			return list, err
		}
		if may || a.made(&asked) {
			a.name(&asked, places)
			list.Items = append(list.Items, asked)
		}
	}
	return list, nil
}
