package bolt

import (
	"bytes"
	"context"
	"errors"
	"os"

	"go.etcd.io/bbolt"
)

// The copy is made in parts, each from a snapshot of its own, so that no snapshot
// grows old (pages freed after it could not be used again) and the journal stays
// short. Before a part is copied, the copy takes over from the journal what
// changed since the part before in the keys that it has by then; all others it
// will find in a later snapshot.
const (
	syncEvery = 64 << 20 // octets that the disk may fall behind
	lookEvery = 1 << 10  // rows between two looks at the context
	maxBehind = 32       // rounds that run after commits once all trees are copied
	fill      = 0.9      // of a page; where rows come in any order some room saves splitting it soon
)

// copyBounds bound what a copy has in hand at a time, in octets. Tests make them
// small.
type copyBounds struct {
	part    int64 // copied between two looks at the journal
	journal int64 // of a journal that ends a part before its time
	longest int64 // of a journal: beyond it commits come too fast, and the copy is given up
	tail    int64 // of a journal that is taken over while commits wait
}

func usualBounds() copyBounds {
	return copyBounds{part: 16 << 20, journal: 32 << 20, longest: 256 << 20, tail: 256 << 10}
}

// fileCopy is a copy of the store's file that grows.
type fileCopy struct {
	store    *Store
	db       *bbolt.DB
	target   string      // whose place it is to take
	was      os.FileInfo // what has that place
	file     os.FileInfo // of db
	journal  *journal
	at       place
	done     bool // all trees are copied
	behind   int  // rounds made since then
	unsynced int64
	copied   int64 // octets
	total    int64 // about how many there will be
	progress func(done, total int64)
	took     bool // its target's place
}

// place is a key of a tree; everything up to it is in the copy.
type place struct {
	tree tree
	key  []byte // nil for before the first
}

// covers tells whether the copy has the key of a write by now.
func (p place) covers(w write) bool {
	return w.tree < p.tree || w.tree == p.tree && p.key != nil && bytes.Compare(w.key, p.key) <= 0
}

// create makes the file. It is locked from here on, whatever its name will be.
func (c *fileCopy) create() error {
	if err := removeCopy(c.target); err != nil {
		return err
	}
	var err error
	if c.was, err = os.Stat(c.target); err != nil {
		return err
	}
	options := fileOptions()
	options.NoSync, options.NoGrowSync = true, true
	if c.db, err = bbolt.Open(copyPath(c.target), c.was.Mode().Perm(), options); err != nil {
		return err
	}
	err = os.Chmod(copyPath(c.target), c.was.Mode().Perm()) // whatever the umask
	if err == nil {
		c.file, err = os.Stat(copyPath(c.target))
	}
	if err == nil {
		err = c.db.Update(create)
	}
	if err != nil {
		return errors.Join(err, c.db.Close())
	}
	return nil
}

// discard gives the copy up.
func (c *fileCopy) discard() error {
	c.store.writing.Lock()
	c.store.journal = nil
	c.store.writing.Unlock()
	return errors.Join(c.db.Close(), removeCopy(c.target))
}

// more tells whether a round is to be made before the last one: something is left
// to copy, or so much was committed meanwhile that commits would wait for long,
// though not for ever: they will have to wait in the end.
func (c *fileCopy) more() bool {
	if !c.done {
		return true
	}
	c.behind++
	return c.behind <= maxBehind && c.journal.size.Load() > c.store.bounds.tail
}

// round takes over what was committed, and copies another part.
func (c *fileCopy) round(ctx context.Context) error {
	from, writes, err := c.look()
	if err != nil {
		return err
	}
	defer func() { _ = from.Rollback() }()
	err = c.db.Update(func(tx *bbolt.Tx) error {
		to := roomySnapshot(tx)
		if err := c.takeOver(to, writes); err != nil {
			return err
		}
		return c.copyPart(ctx, &snapshot{tx: from}, to)
	})
	if err != nil {
		return err
	}
	c.progress(c.copied, max(c.total, c.copied))
	if c.unsynced < syncEvery {
		return nil
	}
	c.unsynced = 0
	return c.db.Sync()
}

// look takes a snapshot of the store, and what was committed before it from the
// journal.
func (c *fileCopy) look() (*bbolt.Tx, []write, error) {
	s := c.store
	s.writing.Lock()
	defer s.writing.Unlock()
	switch {
	case s.failure != nil:
		return nil, nil, s.failure
	case c.journal.lost:
		return nil, nil, errOutrun
	}
	tx, err := s.db.Begin(false)
	if err != nil {
		return nil, nil, err
	}
	return tx, c.journal.take(), nil
}

// roomySnapshot is one whose pages are filled as the copy's are to be.
func roomySnapshot(tx *bbolt.Tx) *snapshot {
	s := &snapshot{tx: tx}
	for t := range treeCount {
		if b := s.bucket(t); !t.appended() {
			b.FillPercent = fill
		}
	}
	return s
}

// takeOver makes the journal's writes in the copy, of the keys that it has.
func (c *fileCopy) takeOver(to *snapshot, writes []write) error {
	for _, w := range latest(writes) {
		if !c.done && !c.at.covers(w) {
			continue
		}
		c.unsynced += int64(len(w.key) + len(w.value))
		if err := to.put(w); err != nil {
			return err
		}
	}
	return nil
}

// copyPart copies the rows that follow, until they are many or the journal is
// full.
func (c *fileCopy) copyPart(ctx context.Context, from, to *snapshot) error {
	size, rows := int64(0), 0
	for ; c.at.tree < treeCount; c.at = (place{tree: c.at.tree + 1}) {
		for key, value := range from.keysAfter(c.at.tree, nil, c.at.key) {
			if err := to.put(write{c.at.tree, key, value}); err != nil {
				return err
			}
			c.at.key = append(c.at.key[:0:0], key...)
			size, rows = size+int64(len(key)+len(value)), rows+1
			if rows%lookEvery == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if size >= c.store.bounds.part || c.journal.size.Load() >= c.store.bounds.journal {
				c.count(size)
				return nil
			}
		}
	}
	c.count(size)
	c.done = true
	return context.Cause(ctx)
}

func (c *fileCopy) count(size int64) {
	c.copied += size
	c.unsynced += size
}
