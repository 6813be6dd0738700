package fleet

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// Ledger is what clients were told. Tests doctor it; otherwise the fleet alone
// writes it.
type Ledger struct {
	mu sync.Mutex // guards what follows, but not what lies in orders
	// Orders are those whose creation was answered, oldest first.
	Orders []*Order
	// Checkpoint is the newest signed checkpoint of the log that was received, kept
	// outside of the server; nil before the first.
	Checkpoint []byte
	counts     Counts
	faults     []*Fault
}

// Counts says how much was done.
type Counts struct {
	// Acknowledged is how many requests that change something were carried out, by
	// what they ask for.
	Acknowledged map[Ask]int
	// Refused is how many were refused as they should be, such as by a full order.
	Refused int
	// Doubts is how many were sent and not settled by their answer.
	Doubts int
	// Unavailable is how many of those were answered that the service is.
	Unavailable int
	// Checked is how many devices Verify looked at.
	Checked int
}

// Operations is the sum of what was acknowledged.
func (c Counts) Operations() (sum int) {
	for _, n := range c.Acknowledged {
		sum += n
	}
	return sum
}

// Order is a production order.
type Order struct {
	ID    string
	Fleet string // a path that no other order has
	// Quantity is how many devices may be enrolled; there are more Devices.
	Quantity int
	Devices  []*Device

	mu sync.Mutex // held by the operator who draws the order's first tickets
	// drawn says that every device has a ticket.
	drawn bool
}

// Fault is something that the server must not do.
type Fault struct {
	What string
	// Story is what happened before to whom it is about, oldest first.
	Story []string
}

// Error says what and tells the story.
func (f *Fault) Error() string {
	text := f.What
	for _, line := range f.Story {
		text += "\n    " + line
	}
	return text
}

// fault notes one about a device, which may be nil.
func (l *Ledger) fault(d *Device, format string, args ...any) {
	f := &Fault{What: fmt.Sprintf(format, args...)}
	if d != nil {
		f.What = d.ID() + ": " + f.What
		f.Story = append(f.Story, d.story...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, f)
}

// Faults returns those that were noted since the last call.
func (l *Ledger) Faults() []*Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.faults
	l.faults = nil
	return found
}

// Counts returns how much was done so far.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.counts
	counts.Acknowledged = map[Ask]int{}
	for ask, n := range l.counts.Acknowledged {
		counts.Acknowledged[ask] = n
	}
	return counts
}

func (l *Ledger) count(change func(*Counts)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts.Acknowledged == nil {
		l.counts.Acknowledged = map[Ask]int{}
	}
	change(&l.counts)
}

// doubt counts a request that is not settled.
func (l *Ledger) doubt(err error) {
	l.count(func(c *Counts) {
		c.Doubts++
		if codeOf(err) == enroll.Unavailable {
			c.Unavailable++
		}
	})
}

// snapshot returns the orders as they stand.
func (l *Ledger) snapshot() []*Order {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Order(nil), l.Orders...)
}

func (l *Ledger) add(o *Order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Orders = append(l.Orders, o)
}

// keep keeps a signed checkpoint, unless a longer one is kept.
func (l *Ledger) keep(text []byte, key note.Verifier) error {
	newer, err := audit.OpenCheckpoint(text, key)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Checkpoint != nil {
		if kept, err := audit.OpenCheckpoint(l.Checkpoint, key); err == nil && kept.Size > newer.Size {
			return nil
		}
	}
	l.Checkpoint = text
	return nil
}

// checkpoint returns the one that is kept; the empty log's where there is none.
func (l *Ledger) checkpoint(key note.Verifier) (audit.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Checkpoint == nil {
		var nothing audit.Frontier
		return audit.Checkpoint{Origin: key.Name(), Root: nothing.Root()}, nil
	}
	return audit.OpenCheckpoint(l.Checkpoint, key)
}

// clockText is a time of a story: with the seconds that differ.
func clockText(t time.Time) string { return t.UTC().Format("15:04:05.000") }
