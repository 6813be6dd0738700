package transfer

import (
	"context"
	"fmt"
	"iter"

	"github.com/touchmark/touchmark/enroll"
)

// separator stands between the parts of a key; no part has one.
const separator = "\x00"

// rows is one kind of rows, whatever their type.
type rows interface {
	// any says whether a store has one.
	any(ctx context.Context, s enroll.Store) (bool, error)
	// copy makes those of the target the same as those of the source.
	copy(ctx context.Context, c *copier) error
	// compare notes what is not the same.
	compare(ctx context.Context, c *copier) error
}

// table is a kind of rows that both stores list by key, octet by octet.
type table[T any] struct {
	what string
	list func(enroll.Reader, enroll.Page) (enroll.List[T], error)
	key  func(T) string
	put  func(tx enroll.Tx, row T) error
	// evict makes room for a row in the place of another of the same key; nil where
	// put replaces it.
	evict func(tx enroll.Tx, was, row T) error
	// remove deletes a row that the source has no more; nil where nothing is ever
	// deleted.
	remove func(tx enroll.Tx, row T) error
	batch  int  // rows that one Update writes
	part   int  // rows that are read at a time; 0 is four batches
	alone  bool // one Update at a time, in the order of the rows
	// size is how many bytes a row has, where some have many; nil where none has.
	size func(row T) int
}

// all yields a store's rows. The next part is read while one is worked on.
func (t *table[T]) all(ctx context.Context, s enroll.Store) iter.Seq2[T, error] {
	type part struct {
		enroll.List[T]
		err error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		parts := make(chan part, 1)
		defer func() {
			cancel()
			for range parts { // until its sender has ended
			}
		}()
		go func() {
			defer close(parts)
			for page := (enroll.Page{Limit: t.limit()}); ; {
				var p part
				p.err = s.View(ctx, func(r enroll.Reader) (err error) {
					p.List, err = t.list(r, page)
					return err
				})
				select {
				case parts <- p:
				case <-ctx.Done():
					return
				}
				if page.After = p.Next; p.err != nil || p.Next == "" {
					return
				}
			}
		}()
		for p := range parts {
			if p.err != nil {
				var none T
				yield(none, fmt.Errorf("reading %s: %w", t.what, p.err))
				return
			}
			for _, row := range p.Items {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// limit is how many rows are read at a time. They are more than an Update writes,
// for each part costs a database's answer.
func (t *table[T]) limit() int {
	if t.part > 0 {
		return t.part
	}
	return min(4*t.batch, enroll.MaxPage)
}

func (t *table[T]) any(ctx context.Context, s enroll.Store) (bool, error) {
	one := *t
	one.part = 1
	for _, err := range one.all(ctx, s) {
		return err == nil, err
	}
	return false, nil
}

// sideBySide walks through the rows of both stores; those of the same key come
// together, and nil stands for one that is not there.
func (t *table[T]) sideBySide(ctx context.Context, c *copier, visit func(key string, source, target *T) error) error {
	from, stopFrom := t.keyed(ctx, c.From, "source")
	defer stopFrom()
	to, stopTo := t.keyed(ctx, c.To, "target")
	defer stopTo()
	source, err := from()
	target, err2 := to()
	for err == nil && err2 == nil && (source != nil || target != nil) {
		switch {
		case target == nil || source != nil && source.key < target.key:
			err = visit(source.key, &source.row, nil)
			if err == nil {
				source, err = from()
			}
		case source == nil || target.key < source.key:
			err = visit(target.key, nil, &target.row)
			if err == nil {
				target, err2 = to()
			}
		default:
			err = visit(source.key, &source.row, &target.row)
			if err == nil {
				source, err = from()
				target, err2 = to()
			}
		}
	}
	if err == nil {
		err = err2
	}
	return err
}

// keyed is a row with its key.
type keyed[T any] struct {
	key string
	row T
}

// keyed returns a store's rows one by one, nil after the last, and makes sure that
// they are in order.
func (t *table[T]) keyed(ctx context.Context, s enroll.Store, which string) (next func() (*keyed[T], error), stop func()) {
	pull, stop := iter.Pull2(t.all(ctx, s))
	last := ""
	return func() (*keyed[T], error) {
		row, err, more := pull()
		if !more || err != nil {
			return nil, err
		}
		key := t.key(row)
		if key <= last {
			return nil, fmt.Errorf("the %s lists %s out of order: %q after %q", which, t.what, printable(key), printable(last))
		}
		last = key
		return &keyed[T]{key, row}, nil
	}, stop
}

func (t *table[T]) copy(ctx context.Context, c *copier) error {
	w := c.newWriter(ctx, t.batch, t.alone)
	written, removed := 0, 0
	err := t.sideBySide(w.ctx, c, func(_ string, source, target *T) error {
		if source != nil {
			c.tell(StageCopy, 1)
		}
		switch {
		case source == nil && t.remove == nil:
			return nil // the comparison will tell
		case source == nil:
			removed++
			return w.add(func(tx enroll.Tx) error { return t.remove(tx, *target) })
		case target != nil && difference(*source, *target) == "":
			return nil
		}
		written++
		if t.size != nil {
			w.bytes += t.size(*source)
		}
		return w.add(func(tx enroll.Tx) error {
			if target != nil && t.evict != nil {
				if err := t.evict(tx, *target, *source); err != nil {
					return err
				}
			}
			return t.put(tx, *source)
		})
	})
	if err := w.end(err); err != nil {
		return fmt.Errorf("copying %s: %w", t.what, err)
	}
	c.count(t.what, func(n *Count) { n.Written += written; n.Removed += removed })
	return nil
}

func (t *table[T]) compare(ctx context.Context, c *copier) error {
	var sources, targets int
	err := t.sideBySide(ctx, c, func(key string, source, target *T) error {
		if source != nil {
			sources++
		}
		if target != nil {
			targets++
		}
		c.tell(StageCompare, 1)
		switch {
		case target == nil:
			c.differ(t.what, key, missing)
		case source == nil:
			c.differ(t.what, key, extra)
		default:
			if where := difference(*source, *target); where != "" {
				c.differ(t.what, key, where+" differs")
			}
		}
		return nil
	})
	c.count(t.what, func(n *Count) { n.Source += sources; n.Target += targets })
	return err
}
