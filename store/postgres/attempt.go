package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/touchmark/touchmark/enroll/audit"
)

// attempt is one try to commit a batch. Its runs read rows that are looked up for
// all of them together; a run that misses one is given up and made again when the
// row is there. What runs write is kept until all have ended.
type attempt struct {
	s     *Store
	conn  *pgxpool.Conn
	calls []*call // those that have not left
	rev   int64   // the batch's name, in all that it writes

	alone   bool // it holds all gates, so that nothing changes under it
	careful bool // it looks first where it would guess that a row is new
	open    bool // the transaction has begun
	unknown bool // the connection broke while it was being committed

	// What enter found.
	gates         int
	gone          bool
	epoch, schema int64
	head          head

	rows    map[key]row
	missing map[key]bool    // to be looked up
	share   map[string]bool // orders whose quota is shared out: all of its rows are held
	unheld  bool            // more of them must be
	ahead   ahead
	broken  error // what the database answered to a run that waited for it

	writes map[key]any // of runs that succeeded; nil deletes
	events []event
	grown  audit.Frontier // of the log, once this is committed
	learnt map[key]found  // what is there, once this is committed
	left   bool           // events for the sequencer
}

// row is what was found under a key.
type row struct {
	found
	sure  bool  // in this transaction; else it is only remembered
	epoch int64 // of a remembered reference row
}

// errAlone is what an attempt ends with that must be made once more, alone.
var errAlone = errors.New("the batch must be alone")

func (s *Store) newAttempt(calls []*call, alone, careful bool, rev int64) *attempt {
	a := &attempt{
		s: s, alone: alone, careful: careful, rev: rev, rows: map[key]row{}, missing: map[key]bool{}, share: map[string]bool{},
	}
	for _, c := range calls {
		if c.start() {
			a.calls = append(a.calls, c)
		}
	}
	a.reset()
	return a
}

// reset forgets what the runs have done.
func (a *attempt) reset() {
	a.writes, a.events = map[key]any{}, nil
	for _, c := range a.calls {
		c.settled = false
	}
}

// do makes the attempt. The caller releases the connection.
func (a *attempt) do() error {
	if len(a.calls) == 0 {
		return nil
	}
	if !a.calls[0].alone { // else it asks as it goes
		a.runAll()
		if a.broken != nil {
			return a.broken
		}
		if err := a.spread(); err != nil {
			return err
		}
	}
	if err := a.begin(); err != nil {
		return err
	}
	for round := 0; ; round++ {
		a.runAll()
		if a.broken != nil {
			return a.broken
		}
		if err := a.spread(); err != nil {
			return err
		}
		a.look()
		if len(a.missing) == 0 && !a.unheld && a.settled() {
			return a.finish()
		}
		if round >= maxRounds {
			for _, c := range a.calls {
				c.alone = c.alone || !c.settled
			}
		}
		if err := a.fetch(); err != nil {
			return err
		}
	}
}

// maxRounds bounds how often missing rows are looked up for all runs together.
// Whoever misses more has a batch to itself, where it waits for each of them.
const maxRounds = 4

// spread takes calls out that want a batch to themselves, unless this is theirs.
func (a *attempt) spread() error {
	if len(a.calls) == 1 {
		if a.calls[0].alone && !a.alone {
			return errAlone
		}
		return nil
	}
	var kept []*call
	for _, c := range a.calls {
		if c.alone {
			c.rest()
			a.s.queue.untake(c)
			continue
		}
		kept = append(kept, c)
	}
	a.calls = kept
	return nil
}

func (a *attempt) settled() bool {
	for _, c := range a.calls {
		if !c.settled {
			return false
		}
	}
	return true
}

// begin begins the transaction and, in the same round trip, looks up what the
// first runs missed and whether what they remembered is still so. If it is not,
// they are made again.
func (a *attempt) begin() error {
	b := &pgx.Batch{}
	a.enter(b)
	a.readHead(b)
	var wanted []key
	for k := range a.missing {
		wanted = append(wanted, k)
	}
	for k, r := range a.rows {
		if !r.sure && !k.kind.reference() {
			wanted = append(wanted, k)
		}
	}
	l := a.lookup(b, wanted)
	a.open = true
	if err := send(a.conn.Conn(), b); err != nil {
		return err
	}
	if err := a.entered(); err != nil {
		return err
	}
	clear(a.missing)
	if !a.keep(l) {
		a.reset()
	}
	return nil
}

// fetch looks up what runs missed.
func (a *attempt) fetch() error {
	b := &pgx.Batch{}
	if a.unheld { // their rows may have changed before they were held
		for id := range a.share {
			a.missing[key{quotas, id}] = true
		}
		a.unheld = false
		a.reset()
	}
	var wanted []key
	for k := range a.missing {
		wanted = append(wanted, k)
	}
	clear(a.missing)
	l := a.lookup(b, wanted)
	if err := send(a.conn.Conn(), b); err != nil {
		return err
	}
	if !a.keep(l) {
		a.reset()
	}
	return nil
}

// lookup puts a lookup into a round trip, with what must be held for it.
func (a *attempt) lookup(b *pgx.Batch, wanted []key) *lookup {
	l := newLookup(wanted)
	if !a.alone {
		var own, all []string
		for _, id := range l.ids[quotas] {
			if a.share[id] {
				all = append(all, id)
			} else {
				own = append(own, id)
			}
		}
		if own != nil {
			b.Queue(sqlHoldQuota, own, a.s.gate.slot)
		}
		if all != nil {
			b.Queue(sqlHoldQuotas, all)
		}
	}
	l.queue(b, !a.alone)
	return l
}

// keep takes what a lookup found, and reports whether what runs relied on until
// now was right.
func (a *attempt) keep(l *lookup) (right bool) {
	right = true
	for k, r := range a.rows {
		if r.sure || !k.kind.reference() {
			continue
		}
		if r.sure = r.epoch == a.epoch; r.sure {
			a.rows[k] = r
			continue
		}
		right = false
		delete(a.rows, k)
		a.missing[k] = true
	}
	for k, f := range l.found {
		if was, guessed := a.rows[k]; guessed && was.rev != f.rev {
			right = false
		}
		a.rows[k] = row{found: f, sure: true}
	}
	a.s.memory.learn(a.epoch, l.found)
	return right
}

// row returns what is under a key, if it is known. Before the transaction has
// begun it is what was there when somebody last looked; a key that nobody ever
// asked for is taken for new, for most are.
func (a *attempt) row(k key) (any, bool) {
	r, known := a.rows[k]
	switch {
	case known:
		return r.value, true
	case !k.findable():
		return nil, true
	}
	f, epoch, known := a.s.memory.get(k)
	switch {
	case a.open:
		if !known || !k.kind.reference() || epoch != a.epoch {
			return nil, false
		}
	case !known && k.kind != keys:
		return nil, false
	}
	a.rows[k] = row{found: f, sure: a.open, epoch: epoch}
	return f.value, true
}

// look makes sure that rows which were never read are looked up before they are
// written, where that matters.
func (a *attempt) look() {
	if !a.careful {
		return
	}
	for k := range a.writes {
		if _, known := a.rows[k]; !known && k.kind >= devices && k.kind < kindCount {
			a.missing[k] = true
		}
	}
}
