package transfer

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/touchmark/touchmark/enroll"
)

// writer gathers changes of the target and makes them durable, many in an Update
// and several Updates at a time.
type writer struct {
	to    *copier
	ctx   context.Context // done once an Update failed
	group *errgroup.Group
	size  int // changes of one Update
	batch []func(enroll.Tx) error
	bytes int // of the rows in batch, as far as they count
}

// newWriter begins to write. Its caller calls end.
func (c *copier) newWriter(ctx context.Context, size int, alone bool) *writer {
	w := &writer{to: c, size: size}
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(inFlight)
	if alone {
		w.group.SetLimit(1)
	}
	return w
}

// add has a change made, sooner or later.
func (w *writer) add(change func(enroll.Tx) error) error {
	if w.batch = append(w.batch, change); len(w.batch) < w.size && w.bytes < batchBytes {
		return nil
	}
	w.flush()
	return w.ctx.Err()
}

// flush has what was gathered written, once there is room for another Update.
func (w *writer) flush() {
	batch := w.batch
	if w.batch, w.bytes = nil, 0; len(batch) == 0 {
		return
	}
	w.group.Go(func() error {
		return w.to.update(w.ctx, func(tx enroll.Tx) error {
			for _, change := range batch {
				if err := change(tx); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// end waits until all is written; err is why there is no more, if it failed.
func (w *writer) end(err error) error {
	if err == nil {
		w.flush()
	}
	if failed := w.group.Wait(); failed != nil {
		return failed
	}
	return err
}
