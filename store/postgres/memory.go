package postgres

import "sync"

// memory is what a node remembers from one transaction to the next. What it
// remembers of reference tables is right for as long as their epoch is the same;
// of all else it is what was there once, and is held against the database before
// anything rests on it.
type memory struct {
	mu        sync.Mutex // guards what follows
	epoch     int64      // of reference
	reference generations
	seen      generations
}

// remembered bounds each generation of a memory, in rows.
const remembered = 8192

func newMemory() *memory { return &memory{} }

// found is what was under a key: nil for nothing.
type found struct {
	value any
	rev   int64 // of the batch that wrote it; 0 for nothing and for reference rows
}

// get returns what is remembered under a key, and the epoch that a reference row
// is of.
func (m *memory) get(k key) (f found, epoch int64, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.kind.reference() {
		f, known = m.reference.get(k)
	} else {
		f, known = m.seen.get(k)
	}
	return f, m.epoch, known
}

// learn remembers what was found in a transaction that saw an epoch.
func (m *memory) learn(epoch int64, rows map[key]found) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch > m.epoch {
		m.epoch, m.reference = epoch, generations{}
	}
	for k, f := range rows {
		switch {
		case !k.kind.reference():
			m.seen.put(k, f)
		case !k.kind.remembered() || epoch != m.epoch:
		case isLarge(f.value):
			m.reference.delete(k) // what it was before
		default:
			m.reference.put(k, f)
		}
	}
}

// change remembers what a batch that was alone committed: it found the tables at
// one epoch and left them at the next. All that is not mentioned is as it was.
func (m *memory) change(from, to int64, rows map[key]found) {
	m.mu.Lock()
	if m.epoch == from {
		m.epoch = to
	}
	m.mu.Unlock()
	m.learn(to, rows)
}

// isLarge reports whether a row is too large to be remembered among so many.
func isLarge(value any) bool {
	data, ok := value.([]byte)
	return ok && len(data) > 8<<10
}

// forget drops rows whose present state is not known.
func (m *memory) forget(keys ...key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		m.seen.delete(k)
	}
}

// generations is a map that forgets what was not asked for in a while: when the
// young are many they become the old, and the old are dropped.
type generations struct{ young, old map[key]found }

func (g *generations) get(k key) (found, bool) {
	if f, known := g.young[k]; known {
		return f, true
	}
	f, known := g.old[k]
	if known {
		g.put(k, f)
	}
	return f, known
}

func (g *generations) put(k key, f found) {
	if g.young == nil || len(g.young) >= remembered {
		g.old, g.young = g.young, make(map[key]found)
	}
	g.young[k] = f
}

func (g *generations) delete(k key) {
	delete(g.young, k)
	delete(g.old, k)
}
