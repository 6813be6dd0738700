package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/touchmark/touchmark/enroll"
)

// copier is one copy, or one comparison.
type copier struct {
	Config
	account
	tables         []rows
	appendRows     int
	source, target logState            // at the beginning
	installation   enroll.Installation // the source's

	marking sync.Mutex // guards marked
	marked  bool       // the target is an unfinished copy already
}

func newCopier(c Config) *copier {
	if c.Batch < 1 {
		c.Batch = defaultBatch
	}
	c.Batch = min(c.Batch, enroll.MaxPage)
	return &copier{
		Config: c, account: account{progress: c.Progress, report: Report{Differences: []Difference{}}},
		tables: tables(c.Batch), appendRows: min(2*c.Batch, appendRows),
	}
}

// Copy makes the target the same as the source and then compares them, row by row
// and the logs byte for byte. The target is empty or a copy, or the beginning of
// one, of the same source, which may have been used since; whatever else it is, the
// error wraps ErrTarget and nothing was changed.
//
// A copy that ended early, however it did, is taken up by calling Copy again. Where
// the comparison found differences the error is ErrDiffers, and the target stays an
// unfinished copy.
func Copy(ctx context.Context, c Config) (Report, error) {
	k := newCopier(c)
	err := k.alone(ctx, k.copy)
	return k.sorted(), err
}

// Compare compares two stores as Copy does at its end. It changes nothing but
// who leads the stores' tasks. Where
// there are differences the error is ErrDiffers.
func Compare(ctx context.Context, c Config) (Report, error) {
	k := newCopier(c)
	err := k.alone(ctx, func(ctx context.Context) error {
		if err := k.compare(ctx); err != nil && !errors.Is(err, ErrDiffers) {
			return err
		}
		return k.compareInstallations(ctx)
	})
	return k.sorted(), err
}

func (c *copier) copy(ctx context.Context) error {
	if err := c.admit(ctx); err != nil {
		return err
	}
	if err := c.write(ctx); err != nil {
		return err
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	return c.finish(ctx)
}

// write copies what the target lacks. The log is the longest and depends on
// nothing, so that it goes beside the rest.
func (c *copier) write(ctx context.Context) error {
	group, beside := errgroup.WithContext(ctx)
	group.Go(func() error { return c.copyLog(beside) })
	group.Go(func() error {
		for _, t := range c.tables {
			if err := t.copy(beside, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return c.dropRecords(ctx)
}

// compare compares everything but the installations, and makes sure that the
// source stood still.
func (c *copier) compare(ctx context.Context) error {
	group, beside := errgroup.WithContext(ctx)
	group.Go(func() error { return c.compareLog(beside) })
	group.Go(func() error {
		for _, t := range c.tables {
			if err := t.compare(beside, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if now := c.report.Log; now.Size != c.source.size || now.Root != c.source.root {
		return fmt.Errorf("%w: the source's log grew from %d to %d records meanwhile; stop what works with it, and copy again", ErrInUse, c.source.size, now.Size)
	}
	return c.verdict()
}
