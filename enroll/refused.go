package enroll

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/identity"
)

// ErrNotRecorded is wrapped beside a refusal whose record could not be written. It
// was counted, and is recorded with others once that can be done.
var ErrNotRecorded = errors.New("the refusal could not be recorded")

// Refused records that err refused a principal an operation, and returns err for
// the door to answer. What was recorded already, what was asked for in a form that
// nobody understands, and what is the house's own fault is not recorded. A principal
// that is refused over and over is recorded one by one for a while, and then by the
// number of times.
func (s *Service) Refused(ctx context.Context, p identity.Principal, permission identity.Permission, err error) error {
	refusal := AsRefusal(err)
	if p.Kind == identity.Anonymous || refusal.recorded || !refusal.Code.decides() || errors.Is(err, ErrNotRecorded) {
		return err
	}
	if !s.refusals.alone(p, refusal.Code, "") {
		refusal.recorded = true
		return err
	}
	failed := s.store.Update(ctx, func(tx Tx) error {
		event := s.event(ctx, p, RequestRefused)
		event.Operation, event.Code = string(permission), refusal.Code
		if refusal.at != nil {
			event.at(refusal.at)
		}
		return errors.Join(s.aim(tx, &event, targetOf(ctx)), s.append(tx, p, event))
	})
	if failed != nil {
		s.refusals.count(p, refusal.Code, 1)
		return errors.Join(fmt.Errorf("%w: %w", ErrNotRecorded, failed), err)
	}
	refusal.recorded = true
	return err
}

// decides reports whether a refusal is a decision about the principal and the state
// of things: neither a request that says nothing nor the house's own trouble.
func (c Code) decides() bool {
	switch c {
	case BadRequest, TooLarge, RateLimited, Unavailable, Internal:
		return false
	default:
		return true
	}
}

// in says where something was refused, for its record.
func (r *Refusal) in(at *place) *Refusal {
	r.at = at
	return r
}

// recordsAtOnce bounds how many counts one transaction records.
const recordsAtOnce = 500

// recordRepeated appends what was counted of principals that were refused over and
// over: of the minutes that are over, or all. Counts that cannot be recorded are
// kept.
func (s *Service) recordRepeated(ctx context.Context, all bool) error {
	for {
		counted := s.refusals.take(recordsAtOnce, all)
		if len(counted) == 0 {
			return nil
		}
		err := s.store.Update(ctx, func(tx Tx) error {
			for _, c := range counted {
				event := s.event(ctx, c.who, RequestRefused)
				event.Code, event.Count = c.code, c.n
				if err := s.append(tx, c.who, event); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			for _, c := range counted {
				s.refusals.count(c.who, c.code, c.n)
			}
			return err
		}
	}
}
