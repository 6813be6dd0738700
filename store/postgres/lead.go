package postgres

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

// What one node at a time does is leased, in a row for each task. Whoever takes a
// lease from another raises its fence, the token of a term. A transaction that
// rests on a lead holds the row and finds its own name and fence there; a row that
// is held is not waited for, and so nobody takes the lead before that is
// committed.
const (
	sqlMakeLease = `INSERT INTO leases (task, holder, fence, expires_at) VALUES ($1, '', 0, 'epoch') ON CONFLICT (task) DO NOTHING`
	sqlTakeLease = `
WITH free AS (SELECT FROM leases WHERE task = $1 AND (holder = $2 OR expires_at < now()) FOR UPDATE SKIP LOCKED)
UPDATE leases SET holder = $2, fence = CASE holder WHEN $2 THEN fence ELSE fence + 1 END, expires_at = now() + $3::interval
WHERE task = $1 AND EXISTS (SELECT FROM free)`
	// sqlSeeLease tells how many microseconds are left of the term.
	sqlSeeLease = `
SELECT holder = $2, fence, (extract(epoch FROM expires_at - now()) * 1000000)::bigint FROM leases WHERE task = $1`
	sqlHoldLeases = `SELECT task, holder, fence FROM leases WHERE task = ANY ($1) FOR UPDATE`
	sqlEndLeases  = `UPDATE leases SET expires_at = 'epoch' WHERE holder = $1`
)

// How long Lead answers from memory: while most of this node's term is left, and
// for a moment where another node leads, which may give up its lead.
const (
	sureFor  = enroll.LeadTerm / 3
	awaitFor = enroll.LeadTerm / 10
)

// leads are the leases as this node last saw them.
type leads struct {
	asking sync.WaitGroup // calls that ask the database

	mu     sync.Mutex // guards what follows
	known  map[enroll.Task]lead
	closed bool
}

// lead is what Lead answers until it asks again.
type lead struct {
	token uint64 // 0 while another leads
	until time.Time
}

// recall returns what is known of a task. Where that is nothing the caller asks,
// and then calls asking.Done.
func (l *leads) recall(task enroll.Task) (token uint64, known bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, false, errClosed
	}
	if found := l.known[task]; time.Now().Before(found.until) {
		return found.token, true, nil
	}
	l.asking.Add(1)
	return 0, false, nil
}

func (l *leads) learn(task enroll.Task, seen lead) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[task] = seen
}

// forget has Lead ask again.
func (l *leads) forget(task enroll.Task) { l.learn(task, lead{}) }

// close ends all leads, once nobody asks for one any more.
func (l *leads) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.asking.Wait()
}

// Lead implements enroll.Store.
func (s *Store) Lead(ctx context.Context, task enroll.Task) (token uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if !storable(string(task)) {
		return 0, fmt.Errorf("the task %.40q cannot be leased: it is not UTF-8 or has a zero octet", task)
	}
	token, known, err := s.leads.recall(task)
	if known || err != nil {
		return token, err
	}
	defer s.leads.asking.Done()
	asked := time.Now() // the term begins after it, and so ends after what is reckoned from it
	mine, fence, left, err := s.takeLease(ctx, task)
	switch {
	case ctx.Err() != nil && err != nil:
		return 0, ctx.Err()
	case err != nil:
		return 0, unavailable(err)
	case mine && left > 0:
		s.leads.learn(task, lead{fence, asked.Add(left - enroll.LeadTerm + sureFor)})
		return fence, nil
	default:
		s.leads.learn(task, lead{0, asked.Add(min(left, awaitFor))})
		return 0, nil
	}
}

// takeLease takes a lease, or prolongs it, where nobody else has it, and tells
// whose it is then.
func (s *Store) takeLease(ctx context.Context, task enroll.Task) (mine bool, fence uint64, left time.Duration, err error) {
	b := &pgx.Batch{}
	b.Queue(sqlMakeLease, string(task))
	b.Queue(sqlTakeLease, string(task), s.gate.node, enroll.LeadTerm)
	query{sqlSeeLease, []any{string(task), s.gate.node}, func(c *columns) error {
		mine, fence, left = c.bool(), uint64(c.integer()), time.Duration(c.integer())*time.Microsecond
		return nil
	}}.queue(b)
	err = s.write.SendBatch(ctx, b).Close()
	return mine, fence, left, err
}

// lease is what a transaction finds that holds it.
type lease struct {
	holder []byte
	fence  uint64
}

// of reports whether the lease is the node's, in the term of the token.
func (l lease) of(node []byte, token uint64) bool {
	return token != 0 && l.fence == token && bytes.Equal(l.holder, node)
}

func readLease(c *columns) (task string, l lease, rev int64) {
	task = c.text()
	l = lease{holder: bytes.Clone(c.next()), fence: uint64(c.integer())}
	return task, l, int64(l.fence)
}

func leaseKey(task enroll.Task) key { return key{leases, string(task)} }

// Leading implements enroll.Tx.
func (r *run) Leading(task enroll.Task, token uint64) error {
	values, err := r.rows(leaseKey(task))
	if err != nil {
		return err
	}
	if held, _ := values[0].(lease); !held.of(r.a.s.gate.node, token) {
		r.a.s.leads.forget(task)
		return enroll.ErrNotLeading
	}
	return nil
}
