package enroll

import (
	"context"
	"errors"
	"slices"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// A branch is guarded where its policy has changes of authority wait for a second
// person. A change above it reaches into it, and so waits too: each fleet counts those
// of its branch, itself among them, whose own policy guards them. The counts change
// with policies and moves alone, along the fleets above.

// guards reports whether what a fleet itself says guards its branch.
func guards(own policy.Policy) bool {
	return slices.Contains(own.Config().Approval, policy.SubjectAuthority)
}

// countGuards returns how many fleets of a branch guard themselves.
func countGuards(r Reader, id identity.FleetID) (int, error) {
	n, err := readDocument[int](r, GuardDocument, string(id))
	return n, ifAny(err)
}

// addGuards counts n more of them, or less, at each of the fleets.
func addGuards(tx Tx, fleets []identity.FleetID, n int) error {
	if n == 0 {
		return nil
	}
	for _, id := range fleets {
		had, err := countGuards(tx, id)
		if err == nil {
			err = putGuards(tx, id, had+n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putGuards keeps the count of the root whatever it is: it says that all are counted.
func putGuards(tx Tx, id identity.FleetID, n int) error {
	if n <= 0 && id != identity.RootFleetID {
		return tx.DeleteDocument(GuardDocument, string(id))
	}
	return putDocument(tx, GuardDocument, string(id), n)
}

// guardChange is what another policy of its own does to a fleet's count.
func guardChange(was, is policy.Policy) int {
	switch had, has := guards(was), guards(is); {
	case has && !had:
		return 1
	case had && !has:
		return -1
	default:
		return 0
	}
}

// moveGuards counts those of a branch where it lies after a move.
func moveGuards(tx Tx, was, is *place) error {
	n, err := countGuards(tx, was.id)
	if err != nil {
		return err
	}
	left, entered := apart(was.chain, is.chain), apart(is.chain, was.chain)
	return errors.Join(addGuards(tx, left, -n), addGuards(tx, entered, n))
}

// apart returns those of a chain of fleets that another does not have.
func apart(chain, other []identity.FleetID) []identity.FleetID {
	return slices.DeleteFunc(slices.Clone(chain), func(id identity.FleetID) bool { return slices.Contains(other, id) })
}

// guardedBelow reports whether a change of authority at a place reaches a branch that
// is guarded.
func guardedBelow(r Reader, at *place) (bool, error) {
	n, err := countGuards(r, at.id)
	return n > 0, err
}

// countOldGuards counts, once, what policies said before there were counts.
func (s *Service) countOldGuards(ctx context.Context) error {
	needed := false
	err := s.store.View(ctx, func(r Reader) error {
		_, err := r.Document(GuardDocument, string(identity.RootFleetID))
		if needed = false; !errors.Is(err, ErrNotFound) {
			return err
		}
		some, err := r.Documents(PolicyDocument, "", Page{Limit: 1})
		needed = len(some.Items) > 0
		return err
	})
	if err != nil || !needed {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		_, err := tx.Document(GuardDocument, string(identity.RootFleetID))
		if !errors.Is(err, ErrNotFound) {
			return err // another node was first
		}
		return s.writeOldGuards(tx)
	})
}

func (s *Service) writeOldGuards(tx Tx) error {
	counts := map[identity.FleetID]int{identity.RootFleetID: 0}
	page := Page{Limit: MaxPage}
	for {
		found, err := tx.Documents(PolicyDocument, "", page)
		if err != nil {
			return err
		}
		for _, d := range found.Items {
			var own fleetPolicy
			if err := decodeDocument(d, &own); err != nil {
				return err
			}
			at, err := s.place(tx, identity.FleetID(d.Key))
			if err != nil {
				return err
			}
			for _, id := range at.chain {
				counts[id] += guardChange(policy.Policy{}, own.Policy)
			}
		}
		if page.After = found.Next; page.After == "" {
			break
		}
	}
	var errs []error
	for id, n := range counts {
		errs = append(errs, putGuards(tx, id, n))
	}
	return errors.Join(errs...)
}
