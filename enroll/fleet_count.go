package enroll

import (
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// Bounds of a branch: of how many fleets there may be in each fleet right below the
// root, itself among them. Lists are selected by the fleets of a branch, so that one
// without bound could not be listed any more.
const (
	DefaultBranchFleets = 5_000
	MaxBranchFleets     = maxFleets
)

// countedAt returns the fleet right below the root under which the fleets of a place
// are counted; empty for the root, whose own are not.
func (p *place) countedAt() identity.FleetID {
	if len(p.chain) < 2 {
		return ""
	}
	return p.chain[1]
}

// countFleets returns how many fleets there are in a fleet right below the root. Those
// that were made before they were counted are counted now, MaxBranchFleets+1 at most.
func countFleets(r Reader, top identity.FleetID) (int, error) {
	n, err := readDocument[int](r, FleetCountDocument, string(top))
	if !errors.Is(err, ErrNotFound) {
		return n, err
	}
	return sizeOf(r, top)
}

// sizeOf counts the fleets of a branch, itself among them, MaxBranchFleets+1 at most.
func sizeOf(r Reader, top identity.FleetID) (int, error) {
	fleets, err := addBranch(r, nil, top)
	var tooMany *Refusal
	if errors.As(err, &tooMany) {
		return MaxBranchFleets + 1, nil
	}
	return len(fleets), err
}

// mayHold refuses more fleets in a branch than there may be.
func (s *Service) mayHold(branch identity.FleetPath, n int) error {
	if n <= s.branchFleets {
		return nil
	}
	return Refuse(Conflict, "%s would have over %d fleets (access.branch_fleets); delete what is empty, or make it elsewhere", branch, s.branchFleets)
}

// topOf is the path of the fleet right below the root that a path lies in.
func topOf(path identity.FleetPath) identity.FleetPath {
	return identity.RootFleet.Child(path.Segments()[0])
}

// putCount writes how many fleets there are in a fleet right below the root.
func putCount(tx Tx, top identity.FleetID, n int) error {
	if n > MaxBranchFleets { // from before there was a bound: not counted to its end
		return tx.DeleteDocument(FleetCountDocument, string(top))
	}
	return putDocument(tx, FleetCountDocument, string(top), n)
}

// addFleets counts n fleets that are made right below a place that is there, each
// below the one before. made is the first of them.
func (s *Service) addFleets(tx Tx, above, made *place, n int) error {
	top, had := above.countedAt(), 0
	if top == "" {
		top = made.id
	} else {
		var err error
		if had, err = countFleets(tx, top); err != nil {
			return err
		}
	}
	if err := s.mayHold(topOf(made.path), had+n); err != nil {
		return err
	}
	return putCount(tx, top, had+n)
}

// recount is what a move does to the counts: n fleets go from one to another, neither
// of which need be right below the root before or afterwards.
type recount struct {
	from, to identity.FleetID
	n        int
	had, has int // of from before, and of to afterwards
}

// weighMove counts a branch that moves to another top of the tree, and refuses it
// where that would have too many fleets.
func (s *Service) weighMove(r Reader, was, is *place) (c recount, err error) {
	c.from, c.to = was.countedAt(), is.countedAt()
	if c.from == c.to {
		return c, nil
	}
	if c.had, err = countFleets(r, c.from); err != nil {
		return c, err
	}
	if c.n = c.had; c.from != was.id {
		if c.n, err = sizeOf(r, was.id); err != nil {
			return c, err
		}
	}
	if c.has = c.n; c.to != was.id {
		has, err := countFleets(r, c.to)
		if err != nil {
			return c, err
		}
		c.has += has
	}
	return c, s.mayHold(topOf(is.path), c.has)
}

// write writes the counts after a move.
func (c recount) write(tx Tx, moved identity.FleetID) error {
	if c.from == c.to {
		return nil
	}
	var left error
	if c.from == moved { // it counts nothing by itself any more
		left = tx.DeleteDocument(FleetCountDocument, string(c.from))
	} else {
		left = putCount(tx, c.from, c.had-c.n)
	}
	return errors.Join(left, putCount(tx, c.to, c.has))
}
