package bolt

import (
	"bytes"
	"cmp"
	"slices"
	"sync/atomic"
)

// writeCost is what a write takes beside its key and value, in octets.
const writeCost = 64

// journal keeps what was committed and is not in the copy of the file yet. Its
// writes are never changed. Store.writing guards it, but for its size.
type journal struct {
	writes []write
	size   atomic.Int64 // octets
	most   int64        // beyond it the journal is lost
	lost   bool         // it keeps nothing any more
}

// add keeps the writes of a commit.
func (j *journal) add(writes []write) {
	if j.lost {
		return
	}
	size := j.size.Load()
	for _, w := range writes {
		size += int64(len(w.key)+len(w.value)) + writeCost
	}
	j.writes = append(j.writes, writes...)
	if size > j.most {
		j.lost, j.writes = true, nil
	}
	j.size.Store(size)
}

// take empties the journal.
func (j *journal) take() []write {
	writes := j.writes
	j.writes = nil
	j.size.Store(0)
	return writes
}

// latest sorts writes and keeps the last of each key.
func latest(writes []write) []write {
	slices.SortStableFunc(writes, func(a, b write) int {
		return cmp.Or(cmp.Compare(a.tree, b.tree), bytes.Compare(a.key, b.key))
	})
	kept := writes[:0]
	for i, w := range writes {
		if i+1 < len(writes) && writes[i+1].tree == w.tree && bytes.Equal(writes[i+1].key, w.key) {
			continue
		}
		kept = append(kept, w)
	}
	return kept
}
