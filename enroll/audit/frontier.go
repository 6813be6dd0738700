package audit

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is the right edge of a Merkle tree: the roots of its complete
// subtrees, which is all that is needed to go on building it. The zero value is
// the empty tree; a copy is independent of its original.
type Frontier struct {
	size uint64
	// edge[l] is the root of the complete subtree of 2^l leaves on the edge where
	// bit l of size is set, and zero where it is not.
	edge [64]tlog.Hash
}

// FrontierAt reads the right edge of the tree of the first size records.
func FrontierAt(size uint64, r tlog.HashReader) (Frontier, error) {
	if size > math.MaxInt64 {
		return Frontier{}, fmt.Errorf("a tree of %d records is larger than any log", size)
	}
	var indexes []int64
	for rest := size; rest != 0; rest &= rest - 1 {
		level := bits.TrailingZeros64(rest)
		indexes = append(indexes, tlog.StoredHashIndex(level, int64(size>>level)-1))
	}
	hashes, err := r.ReadHashes(indexes)
	if err != nil {
		return Frontier{}, fmt.Errorf("reading the right edge of the tree of %d records: %w", size, err)
	}
	f := Frontier{size: size}
	for rest := size; rest != 0; rest &= rest - 1 {
		f.edge[bits.TrailingZeros64(rest)], hashes = hashes[0], hashes[1:]
	}
	return f, nil
}

// Add appends a leaf to the tree. It appends to done the hashes that the leaf
// completed, from the leaf's own (level 0) upwards: what tlog stores for it.
func (f *Frontier) Add(done []tlog.Hash, leaf []byte) []tlog.Hash {
	return f.AddHash(done, tlog.RecordHash(leaf))
}

// AddHash appends a leaf of which only the hash is known, as Add does.
func (f *Frontier) AddHash(done []tlog.Hash, h tlog.Hash) []tlog.Hash {
	done = append(done, h)
	level := 0
	for ; f.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(f.edge[level], h)
		f.edge[level] = tlog.Hash{}
		done = append(done, h)
	}
	f.edge[level] = h
	f.size++
	return done
}

// Size returns how many leaves the tree has.
func (f *Frontier) Size() uint64 { return f.size }

// Root returns the tree's root; that of the empty tree is the hash of nothing
// (RFC 6962, section 2.1).
func (f *Frontier) Root() tlog.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	rest := f.size
	root := f.edge[bits.TrailingZeros64(rest)]
	for rest &= rest - 1; rest != 0; rest &= rest - 1 {
		root = tlog.NodeHash(f.edge[bits.TrailingZeros64(rest)], root)
	}
	return root
}
