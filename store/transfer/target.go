package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll"
)

// unfinished begins the pseudonym key of an unfinished copy; the SHA-256 of the
// source's follows. A key has 32 octets, so that this is none.
const unfinished = "unfinished copy of "

// mark is the installation of an unfinished copy.
func mark(source enroll.Installation) enroll.Installation {
	name := sha256.Sum256(source.PseudonymKey)
	return enroll.Installation{PseudonymKey: append([]byte(unfinished), name[:]...)}
}

// isCopy says whether a target's installation is the source's, or that of an
// unfinished copy of it.
func (c *copier) isCopy(target enroll.Installation) bool {
	return bytes.Equal(target.PseudonymKey, c.installation.PseudonymKey) ||
		bytes.Equal(target.PseudonymKey, mark(c.installation).PseudonymKey)
}

// open reads what decides whether there is anything to copy or to compare.
func (c *copier) open(ctx context.Context) (err error) {
	c.installation, err = installationOf(ctx, c.From)
	switch {
	case errors.Is(err, enroll.ErrNotFound):
		return fmt.Errorf("%w: there is nothing in it; is it the right one?", ErrSource)
	case err != nil:
		return err
	case bytes.HasPrefix(c.installation.PseudonymKey, []byte(unfinished)):
		return fmt.Errorf("%w: it is an unfinished copy itself; finish it first", ErrSource)
	}
	if c.source, err = stateOf(ctx, c.From); err != nil {
		return err
	}
	c.target, err = stateOf(ctx, c.To)
	return err
}

// admit decides whether the target may take the copy.
func (c *copier) admit(ctx context.Context) error {
	target, err := installationOf(ctx, c.To)
	switch {
	case errors.Is(err, enroll.ErrNotFound):
		if err := c.checkEmpty(ctx); err != nil {
			return err
		}
	case err != nil:
		return err
	case !c.isCopy(target):
		return fmt.Errorf("%w: it is the store of another installation; name an empty one, or one that holds a copy of this source", ErrTarget)
	}
	c.marked = bytes.Equal(target.PseudonymKey, mark(c.installation).PseudonymKey)
	if c.target.size < c.source.first && c.Archive == nil {
		return fmt.Errorf("%w: the first %d records of the log left the source for the archive; name its folder", ErrArchive, c.source.first)
	}
	return c.checkPrefix(ctx)
}

// checkEmpty makes sure that nothing is in a target without an installation.
func (c *copier) checkEmpty(ctx context.Context) error {
	full := c.target.size > 0
	for _, t := range c.tables {
		found, err := t.any(ctx, c.To)
		if err != nil {
			return err
		}
		full = full || found
	}
	if full {
		return fmt.Errorf("%w: it is not empty, and no copy of this source", ErrTarget)
	}
	return nil
}

// update writes to the target, which is marked as an unfinished copy before it is
// changed for the first time.
func (c *copier) update(ctx context.Context, fn func(enroll.Tx) error) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	return c.To.Update(ctx, fn)
}

func (c *copier) begin(ctx context.Context) error {
	c.marking.Lock()
	defer c.marking.Unlock()
	if c.marked {
		return nil
	}
	err := c.To.Update(ctx, func(tx enroll.Tx) error { return tx.PutInstallation(mark(c.installation)) })
	c.marked = err == nil
	return err
}

// finish makes the target the store of the source's installation.
func (c *copier) finish(ctx context.Context) error {
	target, err := installationOf(ctx, c.To)
	if err == nil && difference(c.installation, target) == "" {
		return nil
	}
	err = c.To.Update(ctx, func(tx enroll.Tx) error { return tx.PutInstallation(c.installation) })
	if err != nil {
		return err
	}
	return c.compareInstallations(ctx)
}

func (c *copier) compareInstallations(ctx context.Context) error {
	target, err := installationOf(ctx, c.To)
	switch {
	case errors.Is(err, enroll.ErrNotFound):
		c.differ("installation", "", missing)
	case err != nil:
		return err
	default:
		if where := difference(c.installation, target); where != "" {
			c.differ("installation", "", where+" differs")
		}
	}
	return c.verdict()
}

// verdict is the error of the differences that were found.
func (c *copier) verdict() error {
	if c.report.Different > 0 {
		return ErrDiffers
	}
	return nil
}

func installationOf(ctx context.Context, s enroll.Store) (found enroll.Installation, err error) {
	err = s.View(ctx, func(r enroll.Reader) (err error) {
		found, err = r.Installation()
		return err
	})
	return found, err
}
