package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// fleets is the fleet tree, which is walked from its root: a fleet is written
// after the one that it lies in. Where another one has its place, that one has moved
// in the source, and gets its own place later.
type fleets struct {
	batch int
}

// level are the fleets directly below one; without a parent, the root itself, which
// has no row before somebody writes one.
func (f fleets) level(parent identity.FleetID) *table[identity.Fleet] {
	return &table[identity.Fleet]{
		what: "fleets", batch: f.batch, alone: true, key: func(f identity.Fleet) string { return "/" + f.Name },
		list: func(r enroll.Reader, p enroll.Page) (enroll.List[identity.Fleet], error) {
			if parent != "" {
				return r.Children(parent, "", p)
			}
			root, err := r.Fleet(identity.RootFleetID)
			if errors.Is(err, enroll.ErrNotFound) {
				return enroll.List[identity.Fleet]{}, nil
			}
			return enroll.List[identity.Fleet]{Items: []identity.Fleet{root}}, err
		},
		put:   func(tx enroll.Tx, f identity.Fleet) error { return tx.PutFleet(f) },
		evict: evictFleet,
	}
}

// evictFleet gives a fleet a name that none has, unless it has left its place
// already.
func evictFleet(tx enroll.Tx, was, f identity.Fleet) error {
	if was.ID == f.ID {
		return nil
	}
	is, err := tx.Fleet(was.ID)
	if err != nil || is != was {
		return err
	}
	is.Name = "~" + string(is.ID)
	return tx.PutFleet(is)
}

func (f fleets) any(ctx context.Context, s enroll.Store) (bool, error) {
	for _, parent := range []identity.FleetID{"", identity.RootFleetID} {
		if found, err := f.level(parent).any(ctx, s); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func (f fleets) copy(ctx context.Context, c *copier) error {
	err := f.eachLevel(ctx, c.From, func(level *table[identity.Fleet]) error { return level.copy(ctx, c) })
	if err != nil {
		return err
	}
	return f.remove(ctx, c)
}

// remove deletes the target's fleets that the source has no more, once all others
// have their places: the lowest first, so that what is left can be reached.
func (f fleets) remove(ctx context.Context, c *copier) error {
	var gone []identity.FleetID
	err := f.eachLevel(ctx, c.To, func(level *table[identity.Fleet]) error {
		for fleet, err := range level.all(ctx, c.To) {
			if err != nil {
				return err
			}
			err = c.From.View(ctx, func(r enroll.Reader) error {
				_, err := r.Fleet(fleet.ID)
				return err
			})
			if errors.Is(err, enroll.ErrNotFound) {
				gone = append(gone, fleet.ID)
			} else if err != nil {
				return fmt.Errorf("reading fleets: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(gone)
	for part := range slices.Chunk(gone, f.batch) {
		err := c.update(ctx, func(tx enroll.Tx) error {
			var errs []error
			for _, id := range part {
				errs = append(errs, tx.DeleteFleet(id))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			return fmt.Errorf("removing fleets: %w", err)
		}
	}
	c.count("fleets", func(n *Count) { n.Removed += len(gone) })
	return nil
}

func (f fleets) compare(ctx context.Context, c *copier) error {
	return f.eachLevel(ctx, c.From, func(level *table[identity.Fleet]) error { return level.compare(ctx, c) })
}

// eachLevel visits the levels of a store's tree, from the root down.
func (f fleets) eachLevel(ctx context.Context, s enroll.Store, visit func(*table[identity.Fleet]) error) error {
	if err := visit(f.level("")); err != nil {
		return err
	}
	for parents := []identity.FleetID{identity.RootFleetID}; len(parents) > 0; parents = parents[1:] {
		level := f.level(parents[0])
		if err := visit(level); err != nil {
			return err
		}
		for fleet, err := range level.all(ctx, s) {
			if err != nil {
				return err
			}
			parents = append(parents, fleet.ID)
		}
	}
	return nil
}
