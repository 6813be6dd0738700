package enroll_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	caocsp "github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// disturbances are what happens to the clock: the columns of docs/operations/clock.md.
var disturbances = []struct {
	name  string
	do    func(*testing.T, *bent)
	fault enroll.ClockFault
	undo  func(*bent)
}{
	{"back a minute", func(_ *testing.T, b *bent) { b.clock.set(-time.Minute) }, "", func(b *bent) { b.clock.set(time.Minute) }},
	{"back a year", func(_ *testing.T, b *bent) { b.clock.set(-year) }, enroll.ClockBehind, func(b *bent) { b.clock.set(year) }},
	{"forward a year", func(_ *testing.T, b *bent) { b.clock.set(year) }, enroll.ClockJumped, func(b *bent) { b.clock.set(-year) }},
	{"a year behind at the start", func(t *testing.T, b *bent) {
		b.clock.set(-year)
		b.restart(t, nil)
	}, enroll.ClockBehind, func(b *bent) { b.clock.set(year) }},
	{"a year ahead at the start", func(t *testing.T, b *bent) {
		b.clock.set(year)
		b.restart(t, nil)
	}, enroll.ClockFarAhead, func(b *bent) { b.clock.set(-year) }},
	{"at the beginning of 1970 at the start", func(t *testing.T, b *bent) {
		b.clock.set(time.Unix(0, 0).Sub(b.clock.Now()))
		b.restart(t, nil)
	}, enroll.ClockBehind, func(b *bent) { b.clock.set(time.Date(2026, 11, 22, 12, 5, 0, 0, time.UTC).Sub(b.clock.Now())) }},
}

// TestWhatAWrongClockDoes holds each disturbance against each row of
// docs/operations/clock.md, with the clock wrong and with it right again.
func TestWhatAWrongClockDoes(t *testing.T) {
	for _, d := range disturbances {
		for row, holds := range map[string]func(*bent, *testing.T, enroll.ClockFault){
			"certificates": (*bent).issues, "CRLs": (*bent).publishes, "OCSP": (*bent).answers, "withdrawal": (*bent).withdraws,
			"orders and tickets": (*bent).keepsOrders, "grants": (*bent).keepsGrants, "log": (*bent).keepsOrder, "archive": (*bent).archivesNothing,
			"own certificates": (*bent).certifiesItself, "lockout": (*bent).locksOutNobody, "alarm": (*bent).raisesTheAlarm,
		} {
			t.Run(d.name+"/"+row, func(t *testing.T) {
				b := newBent(t)
				b.clock.pass(time.Minute)
				d.do(t, b)
				if got := b.Clock().Fault; got != d.fault {
					t.Fatalf("the clock is %q, want %q", got, d.fault)
				}
				holds(b, t, d.fault)
				b.clock.pass(2 * time.Minute)
				d.undo(b)
				if seen := b.Clock(); seen.Fault != "" || seen.Latest.Sub(seen.Earliest) > time.Minute {
					t.Fatalf("the clock that is right again is %q: %+v", seen.Fault, seen)
				}
				holds(b, t, "")
			})
		}
	}
}

// issues: nothing is issued by a wrong clock, recall goes on, no ticket is consumed.
func (b *bent) issues(t *testing.T, fault enroll.ClockFault) {
	issued, err := b.enrol("SN3", b.ticket, b.ticketKey)
	_, renewal := b.renew(b.good, b.nextKey)
	if fault != "" {
		wantCode(t, err, enroll.Unavailable)
		wantCode(t, renewal, enroll.Unavailable)
		if wait := enroll.AsRefusal(err).RetryAfter; wait != time.Minute {
			t.Errorf("try again after %s, want a minute", wait)
		}
		again, err := b.vouch(b.vouched, "SN6", b.vouchedKey)
		check(t, err)
		if !again.Recalled {
			t.Errorf("what was issued before is not recalled")
		}
		return
	}
	check(t, errors.Join(err, renewal))
	if earliest, _ := b.both(); issued.NotBefore.After(earliest) {
		t.Errorf("a certificate is good from %s, and the clock says %s", issued.NotBefore, earliest)
	}
}

// publishes: every CRL is good by every clock, its number grows, and no entry is lost.
func (b *bent) publishes(t *testing.T, _ enroll.ClockFault) {
	b.clock.pass(time.Second)
	before := b.crlOf(b.gone)
	b.publish()
	b.publish()
	crl := b.crlOf(b.gone)
	earliest, latest := b.both()
	if crl.ThisUpdate.After(earliest) || crl.NextUpdate.Before(latest.Add(12*time.Hour)) || crl.NextUpdate.After(latest.Add(day)) {
		t.Errorf("a CRL is good from %s to %s, and it is %s to %s", crl.ThisUpdate, crl.NextUpdate, earliest, latest)
	}
	if more := crl.Number.Int64() - before.Number.Int64(); more < 0 || more > 1 {
		t.Errorf("CRL %d follows %d", crl.Number, before.Number)
	}
	if n := len(crl.RevokedCertificateEntries); n != b.withdrawn {
		t.Errorf("%d entries, want %d", n, b.withdrawn)
	}
}

// answers: OCSP answers, kept ones too, are good by every clock.
func (b *bent) answers(t *testing.T, _ enroll.ClockFault) {
	check(t, b.asks(t, b.good, ocsp.Good))
	check(t, b.asks(t, b.gone, ocsp.Revoked))
}

func (b *bent) asks(t *testing.T, about enroll.Issued, want int) error {
	t.Helper()
	question := caocsp.Request{CertIDs: []caocsp.CertID{caocsp.NewCertID(crypto.SHA1, b.issuer, about.Serial)}}
	answer, err := b.responder.Respond(context.WithoutCancel(t.Context()), question.Marshal())
	if err != nil {
		return err
	}
	read, err := ocsp.ParseResponse(answer.DER, b.issuer.Certificate())
	if err != nil {
		return err
	}
	earliest, latest := b.both()
	switch {
	case read.Status != want:
		return fmt.Errorf("the answer is %d, want %d", read.Status, want)
	case read.ThisUpdate.After(earliest) || read.ProducedAt.After(earliest) || !read.NextUpdate.After(latest):
		return fmt.Errorf("the answer of %s is good from %s to %s, and it is %s to %s", read.ProducedAt, read.ThisUpdate, read.NextUpdate, earliest, latest)
	case read.Certificate.NotBefore.After(earliest) || !read.Certificate.NotAfter.After(latest):
		return fmt.Errorf("the responder is good from %s to %s, and it is %s to %s", read.Certificate.NotBefore, read.Certificate.NotAfter, earliest, latest)
	}
	return nil
}

// withdraws: revocation goes on, at once, by OCSP and by CRL.
func (b *bent) withdraws(t *testing.T, fault enroll.ClockFault) {
	victim, action := b.spare, identity.Hold
	if fault == "" {
		action = identity.Revoke
	}
	check(t, b.asks(t, b.good, ocsp.Good))
	b.act(victim.Device, action, "")
	b.withdrawn = 2
	check(t, b.asks(t, victim, ocsp.Revoked))
	b.publish()
	b.publishes(t, fault)
}

// keepsOrders: an order that is open stays open, and its tickets can be drawn.
func (b *bent) keepsOrders(t *testing.T, _ enroll.ClockFault) {
	found, err := b.Order(t.Context(), b.admin, string(b.order.ID))
	check(t, err)
	if found.State != enroll.OrderOpen {
		t.Errorf("the order that closes in two days is %s", found.State)
	}
	_, err = b.DrawTickets(t.Context(), b.admin, string(b.order.ID), []string{"SN4"})
	check(t, err)
}

// keepsGrants: a grant that ends in a month holds.
func (b *bent) keepsGrants(t *testing.T, _ enroll.ClockFault) {
	_, err := b.Device(t.Context(), b.deputy, string(b.good.Device))
	check(t, err)
}

// keepsOrder: no record is earlier than the one before it.
func (b *bent) keepsOrder(t *testing.T, _ enroll.ClockFault) {
	b.act(b.good.Device, identity.Hold, "")
	b.act(b.good.Device, identity.Release, "")
	var last time.Time
	for i, event := range b.log() {
		if event.Time.Before(last) {
			t.Errorf("record %d is of %s, and follows one of %s", i, event.Time, last)
		}
		last = event.Time
	}
}

// archivesNothing: nothing is archived for its age that is not old.
func (b *bent) archivesNothing(t *testing.T, _ enroll.ClockFault) {
	check(t, b.ArchiveSmall(t.Context()))
	for _, kind := range []enroll.SegmentKind{enroll.CertificateSegments, enroll.RecordSegments} {
		check(t, b.store.View(t.Context(), func(r enroll.Reader) error {
			segments, err := r.Segments(kind, enroll.Page{Limit: 10})
			if n := len(segments.Items); n != 0 {
				t.Errorf("%d files of %s", n, kind)
			}
			return err
		}))
	}
}

// certifiesItself: the listeners' certificates are good by every clock.
func (b *bent) certifiesItself(t *testing.T, _ enroll.ClockFault) {
	issued, err := b.IssueOwn(t.Context(), enroll.Own{
		Purpose: ca.PurposeServer, Key: newKey(t).Public(), CommonName: "Touchmark", DNSNames: []string{"localhost"}, Lifetime: day,
	})
	check(t, err)
	read, err := x509.ParseCertificate(issued.DER)
	check(t, err)
	earliest, latest := b.both()
	if read.NotBefore.After(earliest) || read.NotAfter.Before(latest.Add(day-time.Minute)) {
		t.Errorf("it is good from %s to %s, and it is %s to %s", read.NotBefore, read.NotAfter, earliest, latest)
	}
}

// locksOutNobody: who has to wait for wrong secrets waits by the time that passes.
func (b *bent) locksOutNobody(t *testing.T, fault enroll.ClockFault) {
	if fault != "" {
		for range 11 {
			_, _ = b.enrol("SN9", "wrong", newKey(t)) // refused, by one reason or another
		}
		_, err := b.enrol("SN9", "wrong", newKey(t))
		wantCode(t, err, enroll.RateLimited)
		if wait := enroll.AsRefusal(err).RetryAfter; wait > time.Minute {
			t.Errorf("locked out for %s", wait)
		}
		return
	}
	_, err := b.enrol("SN9", "wrong", newKey(t))
	wantCode(t, err, enroll.Unauthenticated)
}

// raisesTheAlarm: the alarm stands as the clock does, and the log says so.
func (b *bent) raisesTheAlarm(t *testing.T, fault enroll.ClockFault) {
	check(t, b.LookForAlarms(t.Context()))
	for _, state := range b.Alarms() {
		if state.Alarm == enroll.AlarmClock && state.Raised != (fault != "") {
			t.Errorf("the alarm is raised: %v; the clock is %q", state.Raised, fault)
		}
	}
	want := 0
	if fault != "" || b.count(enroll.AlarmRaised) > 0 {
		want = 1
	}
	if raised := b.count(enroll.AlarmRaised); raised != want {
		t.Errorf("%d events say that it was raised, want %d", raised, want)
	}
	if cleared := b.count(enroll.AlarmCleared); fault == "" && cleared != want {
		t.Errorf("%d events say that it was cleared, want %d", cleared, want)
	}
}
