package ocsp

import (
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// entryOverhead is about what an entry takes beside its response and its key:
// two map cells, the struct, the slack of allocation.
const entryOverhead = 400

// cache keeps signed answers by certID, in order of use, within a budget of
// octets. It also knows who is at work on which serial numbers, so that a drop
// reaches answers that are not yet in it.
type cache struct {
	mu      sync.Mutex // guards all below
	budget  int64
	used    int64
	entries map[string]*entry
	serials map[ca.Serial]*entry // the first of each serial number's entries
	order   entry                // ring: order.next was used last, order.prev longest ago
	work    map[ca.Serial]*work
	flights map[string]*flight
}

type entry struct {
	key        string
	serial     ca.Serial
	response   Response
	refreshAt  time.Time
	refreshing bool
	prev, next *entry // in order of use
	sibling    *entry // of the same serial number
}

// work counts those who make an answer about a serial number, and the drops
// since the first of them began.
type work struct{ hands, drops int }

// flight is one signature that several wait for.
type flight struct {
	done     chan struct{}
	response Response
	err      error
}

func newCache(budget int64) *cache {
	c := &cache{
		budget: budget, entries: map[string]*entry{}, serials: map[ca.Serial]*entry{},
		work: map[ca.Serial]*work{}, flights: map[string]*flight{},
	}
	c.order.prev, c.order.next = &c.order, &c.order
	return c
}

func (e *entry) size() int64 { return int64(len(e.response.DER)) + 2*int64(len(e.key)) + entryOverhead }

// get returns a kept answer that is good now, and not of a future that the clock has
// come back from. refresh is true for one caller, once the answer
// has passed half of its life: that one signs it anew.
func (c *cache) get(key []byte, now span) (response Response, refresh, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[string(key)]
	if e == nil {
		return Response{}, false, false
	}
	if !now.to.Before(e.response.NextUpdate) || e.response.ThisUpdate.After(now.from.Add(ahead)) {
		c.remove(e)
		return Response{}, false, false
	}
	c.touch(e)
	if !e.refreshing && !now.to.Before(e.refreshAt) {
		e.refreshing, refresh = true, true
	}
	return e.response, refresh, true
}

// postpone is for a refresh that failed: the kept answer, if it is still there,
// is refreshed by whoever asks after until.
func (c *cache) postpone(key []byte, until time.Time) (Response, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[string(key)]
	if e == nil {
		return Response{}, false
	}
	e.refreshing, e.refreshAt = false, until
	return e.response, true
}

// drop forgets all answers about the serial numbers, and marks those in the
// making.
func (c *cache) drop(serials []ca.Serial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, serial := range serials {
		for e := c.serials[serial]; e != nil; e = c.serials[serial] {
			c.remove(e)
		}
		if w := c.work[serial]; w != nil {
			w.drops++
		}
	}
}

// begin notes that an answer about the serial numbers is being made; call it
// before the status is looked up, and settle after.
func (c *cache) begin(serials []ca.Serial) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := make([]int, len(serials))
	for i, serial := range serials {
		w := c.work[serial]
		if w == nil {
			w = &work{}
			c.work[serial] = w
		}
		w.hands++
		seen[i] = w.drops
	}
	return seen
}

// settle ends what begin began and reports whether nothing was dropped
// meanwhile. If so, in the same step, keep enters the cache, unless it is nil,
// and nobody can join the flight for the key any more: who asks after a later
// drop must not get this answer.
func (c *cache) settle(serials []ca.Serial, seen []int, key string, keep *entry) (current bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	current = true
	for i, serial := range serials {
		w := c.work[serial]
		current = current && w.drops == seen[i]
		if w.hands--; w.hands == 0 {
			delete(c.work, serial)
		}
	}
	if !current {
		return false
	}
	delete(c.flights, key)
	if keep != nil {
		c.insert(keep)
	}
	return true
}

// join returns the flight for a key; the caller leads it if there was none.
func (c *cache) join(key string) (f *flight, leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[key]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	c.flights[key] = f
	return f, true
}

// land ends a flight and tells those who wait.
func (c *cache) land(key string, f *flight, response Response, err error) {
	c.mu.Lock()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
	c.mu.Unlock()
	f.response, f.err = response, err
	close(f.done)
}

func (c *cache) insert(e *entry) {
	if old := c.entries[e.key]; old != nil {
		c.remove(old)
	}
	if e.size() > c.budget {
		return
	}
	c.entries[e.key] = e
	e.sibling = c.serials[e.serial]
	c.serials[e.serial] = e
	c.link(e)
	c.used += e.size()
	for c.used > c.budget {
		c.remove(c.order.prev)
	}
}

func (c *cache) remove(e *entry) {
	delete(c.entries, e.key)
	if first := c.serials[e.serial]; first != e {
		for first.sibling != e {
			first = first.sibling
		}
		first.sibling = e.sibling
	} else if e.sibling != nil {
		c.serials[e.serial] = e.sibling
	} else {
		delete(c.serials, e.serial)
	}
	e.prev.next, e.next.prev = e.next, e.prev
	c.used -= e.size()
}

func (c *cache) touch(e *entry) {
	e.prev.next, e.next.prev = e.next, e.prev
	c.link(e)
}

func (c *cache) link(e *entry) {
	e.prev, e.next = &c.order, c.order.next
	e.prev.next, e.next.prev = e, e
}
