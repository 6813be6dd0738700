package transfer

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// tileWidth is how many records share a tile of the tree's lowest level. Records
// leave for the archive by whole tiles.
const tileWidth = 256

// logState is where a store's log stands.
type logState struct {
	size  uint64
	first uint64 // index of the first record that is kept; size for none
	root  tlog.Hash
}

// stateOf reads where a store's log stands.
func stateOf(ctx context.Context, s enroll.Store) (state logState, err error) {
	if err := settle(ctx, s); err != nil {
		return state, err
	}
	err = s.View(ctx, func(r enroll.Reader) error {
		if state.size, err = r.TreeSize(); err != nil {
			return err
		}
		if state.first, err = firstKept(r, state.size); err != nil {
			return err
		}
		state.root, err = rootAt(r, state.size)
		return err
	})
	return state, err
}

// settle waits for a store that numbers records some time after their commit.
func settle(ctx context.Context, s enroll.Store) error {
	if later, ok := s.(interface{ Settle(context.Context) error }); ok {
		return later.Settle(ctx)
	}
	return nil
}

func firstKept(r enroll.Reader, size uint64) (uint64, error) {
	for page := (enroll.Page{Limit: 1}); ; {
		list, err := r.Records(enroll.RecordFilter{Page: page})
		if err != nil {
			return 0, err
		}
		if len(list.Items) > 0 {
			return list.Items[0].Index, nil
		}
		if page.After = list.Next; list.Next == "" {
			return size, nil
		}
	}
}

// rootAt returns the root of the tree of the first size records.
func rootAt(r enroll.Reader, size uint64) (tlog.Hash, error) {
	frontier, err := audit.FrontierAt(size, r.Hashes())
	return frontier.Root(), err
}

// kept yields the records of a store from an index on.
func kept(ctx context.Context, s enroll.Store, from uint64) iter.Seq2[enroll.Record, error] {
	records := table[enroll.Record]{
		what: "records of the log", part: recordsPart,
		list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Record], error) {
			return r.Records(enroll.RecordFilter{From: from, Page: p})
		},
	}
	return records.all(ctx, s)
}

// history yields all records of the source from an index on, and those that left
// it from the archive. They follow each other without a gap.
func (c *copier) history(ctx context.Context, from uint64) iter.Seq2[enroll.Record, error] {
	return func(yield func(enroll.Record, error) bool) {
		next := from
		going := func(r enroll.Record, err error) bool {
			if err == nil && r.Index != next {
				err = fmt.Errorf("%w: record %d of the log is missing; after it comes %d", ErrArchive, next, r.Index)
			}
			next++
			return yield(r, err) && err == nil
		}
		if from < c.source.first {
			for r, err := range c.archived(ctx, from, c.source.first) {
				if !going(r, err) {
					return
				}
			}
			if next < c.source.first {
				yield(enroll.Record{}, fmt.Errorf("%w: it ends before record %d of the log", ErrArchive, next))
				return
			}
		}
		for r, err := range kept(ctx, c.From, next) {
			if !going(r, err) {
				return
			}
		}
	}
}

// checkPrefix makes sure that the target's log is the beginning of the source's.
// Below what the source still keeps its tree has only the hashes of whole tiles,
// so that the records of the last tile are compared themselves.
func (c *copier) checkPrefix(ctx context.Context) error {
	if c.target.size > c.source.size {
		return fmt.Errorf("%w: its log has %d records and that of the source %d, so it is newer than the source, or another", ErrTarget, c.target.size, c.source.size)
	}
	at := c.target.size
	if at < c.source.first {
		at -= at % tileWidth
	}
	var roots [2]tlog.Hash
	for i, s := range []enroll.Store{c.From, c.To} {
		err := s.View(ctx, func(r enroll.Reader) (err error) {
			roots[i], err = rootAt(r, at)
			return err
		})
		if err != nil {
			return err
		}
	}
	if roots[0] != roots[1] {
		return errFork(at)
	}
	if at == c.target.size {
		return nil
	}
	there := map[uint64][]byte{}
	for r, err := range kept(ctx, c.To, at) {
		if err != nil {
			return err
		}
		there[r.Index] = r.Data
	}
	for r, err := range c.archived(ctx, at, c.target.size) {
		if err != nil {
			return err
		}
		if !bytes.Equal(there[r.Index], r.Data) {
			return errFork(r.Index + 1)
		}
	}
	return nil
}

func errFork(size uint64) error {
	return fmt.Errorf("%w: the first %d records of its log are not those of the source, so it is another store, or was used since it was copied", ErrTarget, size)
}

// copyLog adds the records that the target lacks.
func (c *copier) copyLog(ctx context.Context) error {
	var batch []enroll.Record
	size, written := 0, uint64(0)
	write := func() error {
		adding := batch
		batch, size = nil, 0
		err := c.update(ctx, func(tx enroll.Tx) error {
			for _, r := range adding {
				if err := tx.AppendRecord(r); err != nil {
					return err
				}
			}
			return nil
		})
		written += uint64(len(adding))
		return err
	}
	for r, err := range c.history(ctx, c.target.size) {
		if err != nil {
			return err
		}
		c.tell(StageCopy, 1)
		batch, size = append(batch, r), size+len(r.Data)
		if len(batch) < c.appendRows && size < appendBytes {
			continue
		}
		if err := write(); err != nil {
			return fmt.Errorf("copying the log: %w", err)
		}
	}
	if len(batch) > 0 {
		if err := write(); err != nil {
			return fmt.Errorf("copying the log: %w", err)
		}
	}
	c.report.Log.Written = written
	return settle(ctx, c.To)
}

// dropRecords has the records leave the target that left the source. It is last:
// the segments that hold them are there by now.
func (c *copier) dropRecords(ctx context.Context) error {
	for at := c.target.first; at < c.source.first; {
		at = min(at-at%tileWidth+dropStep, c.source.first)
		err := c.update(ctx, func(tx enroll.Tx) error { return tx.DropRecords(at) })
		if err != nil {
			return fmt.Errorf("dropping the records that stand in the archive: %w", err)
		}
	}
	return nil
}

// compareLog compares both logs: size, root, and byte for byte every record that
// is kept.
func (c *copier) compareLog(ctx context.Context) error {
	source, err := stateOf(ctx, c.From)
	if err != nil {
		return err
	}
	target, err := stateOf(ctx, c.To)
	if err != nil {
		return err
	}
	c.report.Log.Size, c.report.Log.First, c.report.Log.Root = source.size, source.first, source.root
	if source.size != target.size {
		c.differ("log", "", fmt.Sprintf("%d records in the source, %d in the target", source.size, target.size))
	}
	if source.first != target.first {
		c.differ("log", "", fmt.Sprintf("the source keeps its records from %d on, the target from %d", source.first, target.first))
	}
	if source.root != target.root {
		c.differ("log", "", "the roots of the trees differ")
	}
	records := table[enroll.Record]{
		what: "records", part: recordsPart, key: func(r enroll.Record) string { return fmt.Sprintf("%0*d", indexDigits, r.Index) },
		list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Record], error) {
			return r.Records(enroll.RecordFilter{Page: p})
		},
	}
	return records.compare(ctx, c)
}
