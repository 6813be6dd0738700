package bolt

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// write is one change of a tree; a nil value deletes the key.
type write struct {
	tree       tree
	key, value []byte
}

// fewWrites is how many writes are looked through one by one, which is cheaper
// than an index of them. Most transactions have fewer.
const fewWrites = 24

// pending holds the writes of one transaction until it is known to succeed.
type pending struct {
	writes []write
	index  map[string]int // tree and key -> place in writes; nil while they are few
	lookup []byte         // room for a key of index
}

// reset forgets all writes and keeps the room for them.
func (p *pending) reset() {
	clear(p.writes)
	p.writes, p.index = p.writes[:0], nil
}

// find returns the place of a key in writes, or -1.
func (p *pending) find(t tree, key []byte) int {
	if p.index == nil {
		return slices.IndexFunc(p.writes, func(w write) bool { return w.tree == t && bytes.Equal(w.key, key) })
	}
	if i, found := p.index[string(p.indexKey(t, key))]; found {
		return i
	}
	return -1
}

func (p *pending) indexKey(t tree, key []byte) []byte {
	p.lookup = append(append(p.lookup[:0], byte(t)), key...)
	return p.lookup
}

// put keeps a write, which must not be changed afterwards.
func (p *pending) put(t tree, key, value []byte) error {
	if len(key) == 0 || len(key) > maxKey {
		return fmt.Errorf("a key of %d octets cannot be recorded in the tree %s: 1 to %d", len(key), t.name(), maxKey)
	}
	if i := p.find(t, key); i >= 0 {
		p.writes[i].value = value
		return nil
	}
	p.writes = append(p.writes, write{tree: t, key: key, value: value})
	switch {
	case p.index != nil:
		p.index[string(p.indexKey(t, key))] = len(p.writes) - 1
	case len(p.writes) > fewWrites:
		p.index = make(map[string]int, 4*fewWrites)
		for i, w := range p.writes {
			p.index[string(p.indexKey(w.tree, w.key))] = i
		}
	}
	return nil
}

// get returns what was written under key, nil where it was deleted, and whether
// either happened.
func (p *pending) get(t tree, key []byte) (value []byte, found bool) {
	i := p.find(t, key)
	if i < 0 {
		return nil, false
	}
	return p.writes[i].value, true
}

// ordered returns the writes, many of them sorted: bbolt moves all that stands
// above a key in its page to make room, and a page grows without bound until the
// commit, so that many keys in no order would cost the square of their number.
func (p *pending) ordered() []write {
	if len(p.writes) > fewWrites {
		p.index = nil
		slices.SortFunc(p.writes, func(a, b write) int {
			return cmp.Or(cmp.Compare(a.tree, b.tree), bytes.Compare(a.key, b.key))
		})
	}
	return p.writes
}

// within returns the writes of keys in [from, to), sorted by key.
func (p *pending) within(t tree, from, to []byte) []write {
	var found []write
	for _, w := range p.writes {
		if w.tree == t && bytes.Compare(w.key, from) >= 0 && bytes.Compare(w.key, to) < 0 {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b write) int { return bytes.Compare(a.key, b.key) })
	return found
}
