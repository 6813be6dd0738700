package enroll_test

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// endings remembers how the steps of the path ended.
type endings struct {
	mu    sync.Mutex // guards codes
	codes map[enroll.Step][]enroll.Code
}

func (s *endings) Step(step enroll.Step, _ time.Duration, code enroll.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[step] = append(s.codes[step], code)
}

func (*endings) Count(enroll.Counter, int) {}

// A caller who goes away, as net/http takes one for that closes its side of the
// connection, does not make the key a slow one; the key is slow where it let callers wait
// for long, whether they stayed or left.
func TestCallerWentAway(t *testing.T) {
	for name, test := range map[string]struct {
		leaves time.Duration
		step   enroll.Code
		says   string
	}{
		"at once":             {time.Second, "canceled", "given up"},
		"after a long wait":   {6 * time.Second, enroll.Unavailable, "issuing key"},
		"later than the wait": {time.Minute, enroll.Unavailable, "issuing key"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				begin(t)
				key, seen := &slowKey{}, &endings{codes: map[enroll.Step][]enroll.Code{}}
				_, slow := twins(t, func(signer crypto.Signer) crypto.Signer { key.Signer = signer; return key })
				s, _ := newSite(t)
				r, _ := s.join(t, slow, func(c *enroll.Config) { c.Observer = seen })
				order, device := r.order(1), newKey(t)
				ticket, hold := r.ticket(order, "SN1"), make(chan struct{})
				key.mu.Lock()
				key.hold = hold
				key.mu.Unlock()
				ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
				defer cancel()
				time.AfterFunc(test.leaves, cancel)
				request := enroll.Request{Evidence: enroll.TicketEvidence{User: "SN1", Secret: ticket}, CSR: csr(t, device), Source: "192.0.2.1"}
				_, err := r.Issue(ctx, request)
				refusal := enroll.AsRefusal(err)
				if refusal.Code != enroll.Unavailable || refusal.RetryAfter <= 0 || !strings.Contains(refusal.Message, test.says) {
					t.Errorf("the caller is told %v, want words about %q", refusal, test.says)
				}
				if gone := errors.Is(err, context.Canceled); gone != (test.step == "canceled") {
					t.Errorf("the error is %v", err)
				}
				if got := seen.codes[enroll.StepSign]; len(got) != 1 || got[0] != test.step {
					t.Errorf("signing counts as %q, want %q", got, test.step)
				}
				key.mu.Lock()
				key.hold = nil
				key.mu.Unlock()
				close(hold)
				if issued, err := r.Issue(context.WithoutCancel(t.Context()), request); err != nil || issued.Recalled {
					t.Errorf("the ticket does not serve again: %v", err)
				}
			})
		})
	}
}
