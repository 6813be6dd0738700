package enroll_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const racers = 32

// race runs fn in n goroutines at once and returns how each of them ended, by
// code; success is the empty code.
func race(tb testing.TB, n int, fn func(i int) error) map[enroll.Code]int {
	tb.Helper()
	ends := map[enroll.Code]int{}
	var mu sync.Mutex // guards ends
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			err := fn(i)
			var refusal *enroll.Refusal
			code := enroll.Code("")
			if errors.As(err, &refusal) {
				code = refusal.Code
			} else if err != nil {
				tb.Errorf("racer %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			ends[code]++
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return ends
}

// Never one more than ordered, however many ask at once.
func TestRaceForQuota(t *testing.T) {
	r := newRig(t)
	order := r.order(5)
	tickets := make([]string, racers)
	for i := range tickets {
		tickets[i] = r.ticket(order, serialOf(i))
	}
	ends := race(t, racers, func(i int) error {
		_, err := r.enrol(serialOf(i), tickets[i], newKey(t))
		return err
	})
	if ends[""] != 5 || ends[enroll.OrderFull] != racers-5 {
		t.Errorf("ends %v", ends)
	}
	if n := r.count(enroll.DeviceEnrolled); n != 5 {
		t.Errorf("the log tells of %d devices", n)
	}
}

// One ticket, one key, many tries: one certificate, given to all.
func TestRaceOfRetries(t *testing.T) {
	r := newRig(t)
	order, key := r.order(racers), newKey(t)
	ticket := r.ticket(order, "SN1")
	var mu sync.Mutex // guards serials
	serials := map[string]int{}
	ends := race(t, racers, func(int) error {
		issued, err := r.enrol("SN1", ticket, key)
		mu.Lock()
		defer mu.Unlock()
		serials[issued.Serial.String()]++
		return err
	})
	if ends[""] != racers || len(serials) != 1 {
		t.Errorf("ends %v, certificates %v", ends, serials)
	}
	if n := r.count(enroll.CertificateIssued); n != 1 {
		t.Errorf("the log tells of %d certificates", n)
	}
}

// oneByOne is how many suspicions of a device are recorded one by one in a minute.
const oneByOne = 20

// One ticket, many keys: the first one wins, the others are clones.
func TestRaceOfKeys(t *testing.T) {
	r := newRig(t)
	order := r.order(racers)
	ticket := r.ticket(order, "SN1")
	ends := race(t, racers, func(int) error {
		_, err := r.enrol("SN1", ticket, newKey(t))
		return err
	})
	if ends[""] != 1 || ends[enroll.CloneSuspected] != racers-1 {
		t.Errorf("ends %v", ends)
	}
	if issued, clones := r.count(enroll.CertificateIssued), r.count(enroll.CloneWasSuspected); issued != 1 || clones != min(racers-1, oneByOne) {
		t.Errorf("the log tells of %d certificates and %d clones", issued, clones)
	}
}

// One key for many devices: one of them has it.
func TestRaceForKey(t *testing.T) {
	r := newRig(t)
	order, key := r.order(racers), newKey(t)
	ends := race(t, racers, func(i int) error {
		_, err := r.vouch(order, serialOf(i), key)
		return err
	})
	if ends[""] != 1 || ends[enroll.KeyInUse] != racers-1 {
		t.Errorf("ends %v", ends)
	}
}

// Renewals of one certificate with different keys: one, and forks.
func TestRaceOfRenewals(t *testing.T) {
	r := newRig(t)
	current, _ := r.enrolled("SN1")
	ends := race(t, racers, func(int) error {
		_, err := r.renew(current, newKey(t))
		return err
	})
	if ends[""] != 1 || ends[enroll.CloneSuspected] != racers-1 {
		t.Errorf("ends %v", ends)
	}
	if n := r.count(enroll.RenewalForked); n != min(racers-1, oneByOne) {
		t.Errorf("the log tells of %d forks", n)
	}
}

// A revocation amid renewals: no certificate of the device is good afterwards,
// and nothing was issued after the revocation.
func TestRaceOfRevocationAndRenewal(t *testing.T) {
	r := newRig(t)
	current, key := r.enrolled("SN1")
	race(t, racers, func(i int) error {
		if i == racers/2 {
			_, err := r.Act(t.Context(), r.admin, string(current.Device), identity.Revoke, "keyCompromise", "")
			return err
		}
		_, err := r.renew(current, key)
		return err
	})
	for _, c := range r.device(current.Device).Certificates {
		if c.Status != enroll.StatusRevoked {
			t.Errorf("certificate %s is %s", c.Serial, c.Status)
		}
	}
	revoked := false
	for _, event := range r.log() {
		if event.Kind == enroll.DeviceRevoked {
			revoked = true
		}
		if event.Kind == enroll.CertificateIssued && revoked {
			t.Error("a certificate was issued after the revocation")
		}
	}
}

// Closing an order amid enrolments: nothing is enrolled after it.
func TestRaceOfClosingAndEnrolling(t *testing.T) {
	r := newRig(t)
	order := r.order(racers)
	race(t, racers, func(i int) error {
		if i == racers/2 {
			_, err := r.CloseOrder(t.Context(), r.admin, string(order.ID))
			return err
		}
		_, err := r.vouch(order, serialOf(i), newKey(t))
		return err
	})
	closed := false
	enrolled := 0
	for _, event := range r.log() {
		closed = closed || event.Kind == enroll.OrderWasClosed
		if event.Kind == enroll.DeviceEnrolled {
			enrolled++
			if closed {
				t.Error("a device was enrolled after the order was closed")
			}
		}
	}
	if got, _ := r.Order(t.Context(), r.admin, string(order.ID)); got.Enrolled != enrolled {
		t.Errorf("the order counts %d, the log tells of %d", got.Enrolled, enrolled)
	}
}

// A ticket drawn many times at once: one of the drawn opens.
func TestRaceOfDrawing(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	tickets := make([]string, racers)
	race(t, racers, func(i int) error {
		drawn, err := r.DrawTickets(t.Context(), r.admin, string(order.ID), []string{"SN1"})
		if err == nil {
			tickets[i] = drawn[0].Ticket
		}
		return err
	})
	ends := race(t, racers, func(i int) error {
		_, err := r.Issue(t.Context(), enroll.Request{
			Evidence: enroll.TicketEvidence{User: "SN1", Secret: tickets[i]}, CSR: csr(t, newKey(t)), Source: serialOf(i),
		})
		return err
	})
	if ends[""] != 1 || ends[enroll.Unauthenticated] != racers-1 {
		t.Errorf("ends %v", ends)
	}
}
