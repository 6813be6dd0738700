package storetest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Copy returns a store that holds what a store from NewMemory does, and has nothing to
// do with it any more.
func Copy(of enroll.Store) enroll.Store {
	m := of.(*memory)
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := NewMemory().(*memory)
	c.state = m.state.copied()
	return c
}

// Watched is a store from NewMemory that is looked at while others use it. One at a
// time watches a store, and no transaction is under way when it is called.
type Watched struct {
	store   *memory
	records int // how many there were
	hashes  int
	stories map[identity.DeviceID][]uint64
}

// Watch notes what becomes of a store from NewMemory from now on.
func Watch(s enroll.Store) *Watched {
	m := s.(*memory)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.state.tables() {
		t.watch()
	}
	return &Watched{store: m, records: len(m.state.records), hashes: len(m.state.hashes), stories: maps.Clone(m.state.stories)}
}

// Changes returns what is not as it was in the beginning, or after Undo: each row that
// was made, changed or deleted, by its table and key, and the records that were added
// to the log.
func (w *Watched) Changes() (rows []string, records [][]byte) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	for name, t := range w.store.state.tables() {
		for _, key := range t.changed() {
			rows = append(rows, name+" "+key)
		}
	}
	slices.Sort(rows)
	return rows, slices.Clone(w.store.state.records[w.records:])
}

// Undo has everything be as it was in the beginning.
func (w *Watched) Undo() {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	s := &w.store.state
	for _, t := range s.tables() {
		t.undo()
	}
	if len(s.records) > w.records {
		s.records, s.hashes, s.stories = s.records[:w.records], s.hashes[:w.hashes], maps.Clone(w.stories)
	}
}

// watchable is a table of whatever rows.
type watchable interface {
	watch()
	changed() (keys []string)
	undo()
}

// tables are all there are, by what their rows are called.
func (s *state) tables() map[string]watchable {
	return map[string]watchable{
		"installation": &s.installation, "person": &s.people, "issuer": &s.issuers, "fleet": &s.fleets, "document": &s.documents,
		"order": &s.orders, "enrolled": &s.quotas, "refused": &s.refusals, "device": &s.devices, "certificate": &s.certificates,
		"key": &s.keys, "shard": &s.shards, "crl": &s.crls, "entry": &s.entries, "segment": &s.segments, "dropped": &s.dropped,
	}
}

func (t *table[K, V]) watch() { t.were = map[K]*V{} }

func (t *table[K, V]) changed() (keys []string) {
	for key, was := range t.were {
		if is, found := t.rows[key]; found != (was != nil) || found && !reflect.DeepEqual(is, *was) {
			keys = append(keys, fmt.Sprint(key))
		}
	}
	return keys
}

func (t *table[K, V]) undo() {
	for key, was := range t.were {
		if was == nil {
			delete(t.rows, key)
		} else {
			t.rows[key] = *was
		}
	}
	clear(t.were)
}

// copied returns the state so that commits to the one do not reach the other. Rows
// are never changed once they were committed.
func (s state) copied() state {
	s.installation, s.people, s.issuers = s.installation.copied(), s.people.copied(), s.issuers.copied()
	s.fleets, s.orders, s.quotas = s.fleets.copied(), s.orders.copied(), s.quotas.copied()
	s.refusals, s.devices, s.certificates = s.refusals.copied(), s.devices.copied(), s.certificates.copied()
	s.keys, s.shards, s.crls, s.entries = s.keys.copied(), s.shards.copied(), s.crls.copied(), s.entries.copied()
	s.segments, s.dropped, s.documents = s.segments.copied(), s.dropped.copied(), s.documents.copied()
	s.records, s.hashes, s.stories = slices.Clip(s.records), slices.Clip(s.hashes), maps.Clone(s.stories)
	for device, story := range s.stories {
		s.stories[device] = slices.Clip(story)
	}
	return s
}

func (t table[K, V]) copied() table[K, V] {
	t.rows, t.were = maps.Clone(t.rows), nil
	return t
}
