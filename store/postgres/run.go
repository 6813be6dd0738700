package postgres

import (
	"fmt"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// run is one run of a call's fn: the enroll.Tx that it is given. It keeps its
// writes until fn has succeeded.
type run struct {
	reader
	a      *attempt
	c      *call
	own    map[key]any
	events []event
	over   bool // it missed something: fn is made to end, and is run again
}

// event is one that waits for its number.
type event struct {
	device string
	json   []byte
	leaf   []byte // as it stands in another log, with its number; nil for a new one
}

// unwind is what a run panics with that cannot go on.
type unwind struct{}

// runAll runs the calls that have not settled, one after another, each on what
// those before it wrote.
func (a *attempt) runAll() {
	for _, c := range a.calls {
		if c.settled || c.alone && len(a.calls) > 1 {
			continue
		}
		r := &run{a: a, c: c, own: map[key]any{}}
		r.reader = reader{r}
		r.do()
		if r.over {
			continue
		}
		c.settled = true
		if c.err != nil || c.panic != nil {
			continue
		}
		for k, value := range r.own {
			a.writes[k] = value
		}
		a.events = append(a.events, r.events...)
	}
}

// do runs fn once and keeps what became of it.
func (r *run) do() {
	c := r.c
	c.err, c.panic = nil, nil
	ended := false
	defer func() {
		c.panic = recover()
		if _, ours := c.panic.(unwind); ours {
			c.panic, r.over = nil, true
		} else if !ended && c.panic == nil { // runtime.Goexit: it alone ends, see Store.commitBatches
			c.exited = true
		}
	}()
	c.err = c.fn(r)
	ended = true
}

// unwind ends the run, even where fn takes no heed of errors.
func (r *run) unwind() {
	r.over = true
	panic(unwind{})
}

// mustBeAlone ends a run that writes what only a batch that is alone may write.
func (r *run) mustBeAlone() {
	if !r.a.alone {
		r.a.broken = errAlone
		r.unwind()
	}
}

// haveToOneself ends a run that does not have its batch to itself.
func (r *run) haveToOneself() {
	if r.over || !r.c.alone {
		r.c.alone = true
		r.unwind()
	}
}

// rows implements source: the run's own writes, then those of runs before it,
// then what was found.
func (r *run) rows(ids ...key) ([]any, error) {
	if r.over {
		r.unwind() // a deferred function goes on reading
	}
	values := make([]any, len(ids))
	missed := false
	for i, k := range ids {
		value, known := r.row(k)
		if !known && r.c.alone {
			value = r.wait(k)
		} else if !known {
			r.a.missing[k] = true
			missed = true
		}
		values[i] = value
	}
	if missed {
		r.unwind()
	}
	return values, nil
}

func (r *run) row(k key) (any, bool) {
	if value, written := r.own[k]; written {
		return value, true
	}
	if value, written := r.a.writes[k]; written {
		return value, true
	}
	if k.kind > kindCount {
		return nil, true // only ever written
	}
	return r.a.row(k)
}

// wait looks a key up at once, for a run that has the batch to itself.
func (r *run) wait(k key) any {
	a := r.a
	if k.kind == devices {
		a.broken = a.fetchAhead(k)
	} else {
		a.missing[k] = true
		a.broken = a.fetch()
	}
	if a.broken != nil {
		r.unwind()
	}
	value, _ := a.row(k)
	return value
}

// ask implements source. Queries see the database alone, without what others of
// the batch wrote: who asks has a batch to itself.
func (r *run) ask(q query) error {
	r.haveToOneself()
	if r.a.broken = r.a.queryNow(q); r.a.broken != nil {
		r.unwind()
	}
	return nil
}

// Append implements enroll.Tx.
func (r *run) Append(e enroll.Event) error {
	if e.Device != "" {
		if err := checkDeviceID(e.Device); err != nil {
			return err
		}
	}
	data, err := e.JSON()
	if err != nil {
		return fmt.Errorf("encoding the event %s: %w", e.Kind, err)
	}
	if len(data) > audit.MaxLeaf-64 { // what the index adds is shorter
		return fmt.Errorf("the event %s of %d bytes is too large to be recorded: at most %d", e.Kind, len(data), audit.MaxLeaf-64)
	}
	r.events = append(r.events, event{device: string(e.Device), json: data})
	return nil
}
