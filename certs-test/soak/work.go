package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/certs-test/traffic"
)

// member is one of the devices, and who holds mu works for it.
type member struct {
	mu     sync.Mutex
	device *traffic.Device
	// shown is the certificate that relying parties ask about: devices here renew a
	// thousand times as often as they do elsewhere, and what is asked about is kept by the
	// server, in a cache that is bounded but takes hours to be full.
	shown *x509.Certificate
}

// asked returns the certificate that relying parties ask about.
func (m *member) asked() *x509.Certificate {
	if m.shown == nil || time.Until(m.shown.NotAfter) < lifetime/4 {
		m.shown = m.device.Leaf
	}
	return m.shown
}

// populate enrols all devices.
func (s *soak) populate(ctx context.Context) error {
	devices, err := s.clients.Devices(ctx, "soak", s.devices)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if answer := s.clients.Enrol(ctx, d, false); !answer.OK() {
			return fmt.Errorf("%s: %s", d.ID(), answer)
		}
		s.issued.Add(1)
		s.made.Add(1)
		s.members = append(s.members, &member{device: d})
	}
	return nil
}

// work does so many things a second until ctx is done. What is late is left out.
func (s *soak) work(ctx context.Context) {
	turns := make(chan struct{})
	var all sync.WaitGroup
	under := context.WithoutCancel(ctx) // what was begun is finished
	for range workers {
		all.Go(func() {
			for range turns {
				s.one(under)
			}
		})
	}
	ticker := time.NewTicker(time.Second / time.Duration(s.rate))
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			select {
			case turns <- struct{}{}:
			default:
			}
		}
	}
	close(turns)
	all.Wait()
}

// one does one thing for a device that nobody else has.
func (s *soak) one(ctx context.Context) {
	m := s.members[s.chance(len(s.members))]
	if !m.mu.TryLock() {
		return
	}
	defer m.mu.Unlock()
	switch dice := s.chance(1000); {
	case dice < 280:
		s.renew(ctx, m)
	case dice < 480:
		s.ask(ctx, ocspAny, m.asked(), ocsp.Good)
	case dice < 680:
		s.askHot(ctx)
	case dice < 730:
		s.fetchCRL(ctx, m)
	case dice < 800:
		s.holdAndRelease(ctx, m)
	case dice < 850:
		s.reissue(ctx, m)
	case dice < 853:
		s.replace(ctx, m)
	case dice < 920:
		s.lists(ctx, m)
	default:
		s.hostile(ctx, m)
	}
}

// patience is how long something is tried again that is not answered.
const patience = 2 * time.Minute

// insist sends a request again until it is answered, as devices and operators do. It
// says whether it was done.
func (s *soak) insist(k kind, send func() traffic.Answer) bool {
	for end := time.Now().Add(patience); ; {
		sent := time.Now()
		answer := send()
		s.record.note(k, sent, answer, answer.OK())
		if answer.OK() {
			return true
		}
		if !unavailable(answer) {
			return false
		}
		if time.Now().After(end) {
			s.record.wrong(fmt.Sprintf("%s was not done in %s", k, patience))
			return false
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (s *soak) renew(ctx context.Context, m *member) {
	if err := m.device.Rekey(); err != nil {
		s.record.wrong(err.Error())
		return
	}
	s.renewAgain(ctx, m)
	if s.chance(s.newAsked()) == 0 {
		s.ask(ctx, ocspNew, m.device.Leaf, ocsp.Good)
	}
}

// newAsked is of how many new certificates, and of how many that were revoked, one is
// asked about: more where there is little time to see any.
func (s *soak) newAsked() int {
	if s.length < shortRun {
		return 3
	}
	return 15
}

// renewAgain sends the renewal that the device has a key for.
func (s *soak) renewAgain(ctx context.Context, m *member) {
	if s.insist(renew, func() traffic.Answer { return s.clients.Renew(ctx, m.device) }) {
		s.issued.Add(1)
	}
}

// ask asks for a certificate's status and wants to hear want.
func (s *soak) ask(ctx context.Context, k kind, leaf *x509.Certificate, want int) {
	s.insist(k, func() traffic.Answer {
		status, answer := s.clients.OCSP(ctx, leaf)
		if answer.OK() && status != want {
			answer.Status, answer.Body = 0, nil
			answer.Err = fmt.Errorf("OCSP says %d of %s, %x, want %d", status, leaf.Subject.CommonName, leaf.SerialNumber, want)
			s.record.wrong(answer.Err.Error())
		}
		return answer
	})
}

// askHot asks for the first device's, as many do, while nobody changes it.
func (s *soak) askHot(ctx context.Context) {
	first := s.members[0]
	if first.mu.TryLock() {
		defer first.mu.Unlock()
		s.ask(ctx, ocspHot, first.asked(), ocsp.Good)
	}
}

func (s *soak) fetchCRL(ctx context.Context, m *member) {
	for _, point := range m.device.Leaf.CRLDistributionPoints {
		address, err := url.Parse(point)
		if err != nil {
			s.record.wrong(err.Error())
			continue
		}
		s.insist(crl, func() traffic.Answer { return s.clients.Get(ctx, address.Path) })
	}
}

// call is one of REST.
func (s *soak) call(ctx context.Context, k kind, method, path, body string) bool {
	var octets []byte
	if body != "" {
		octets = []byte(body)
	}
	once := s.chance(4) == 0
	return s.insist(k, func() traffic.Answer { return s.clients.API(ctx, once, method, path, octets) })
}

func (s *soak) act(ctx context.Context, k kind, thing string) bool {
	return s.call(ctx, k, http.MethodPost, "/api/v1/"+thing, `{"comment":"soak"}`)
}

func (s *soak) holdAndRelease(ctx context.Context, m *member) {
	if s.act(ctx, hold, "devices/"+m.device.ID()+"/hold") {
		s.ask(ctx, ocspAny, m.asked(), ocsp.Revoked)
		if s.act(ctx, release, "devices/"+m.device.ID()+"/release") {
			s.ask(ctx, ocspAny, m.asked(), ocsp.Good)
		}
	}
}

// reissue revokes a device's certificate and enrols it again.
func (s *soak) reissue(ctx context.Context, m *member) {
	d := m.device
	if !s.act(ctx, revoke, fmt.Sprintf("certificates/%x/revoke", d.Leaf.SerialNumber)) {
		return
	}
	if s.chance(s.newAsked()) == 0 {
		s.ask(ctx, ocspNew, d.Leaf, ocsp.Revoked)
	}
	m.shown = nil
	if !s.act(ctx, other, "devices/"+d.ID()+"/reenrol") {
		return
	}
	if !s.insist(other, func() traffic.Answer {
		began := time.Now()
		drawn, err := s.clients.Operator.DrawTickets(ctx, d.Order, []string{d.Serial})
		if err != nil || len(drawn) != 1 {
			return traffic.Answer{Err: fmt.Errorf("draw a ticket: %w", err)}
		}
		d.Ticket = drawn[0].Ticket
		return traffic.Answer{Status: http.StatusCreated, Took: time.Since(began)}
	}) {
		return
	}
	s.enrol(ctx, d)
}

func (s *soak) enrol(ctx context.Context, d *traffic.Device) {
	if err := d.Rekey(); err != nil {
		s.record.wrong(err.Error())
		return
	}
	once := s.chance(2) == 0
	if s.insist(enrol, func() traffic.Answer { return s.clients.Enrol(ctx, d, once) }) {
		s.issued.Add(1)
	}
}

// replace revokes a device and puts a new one in its place.
func (s *soak) replace(ctx context.Context, m *member) {
	if m == s.members[0] || !s.act(ctx, other, "devices/"+m.device.ID()+"/revoke") {
		return
	}
	s.ask(ctx, ocspAny, m.asked(), ocsp.Revoked)
	m.shown = nil
	var fresh []*traffic.Device
	name := fmt.Sprintf("again-%d", s.made.Add(1))
	if s.insist(other, func() traffic.Answer {
		var err error
		fresh, err = s.clients.Devices(ctx, name, 1)
		if err != nil {
			return traffic.Answer{Err: err}
		}
		return traffic.Answer{Status: http.StatusCreated}
	}) {
		m.device = fresh[0]
		s.enrol(ctx, m.device)
	}
}

func (s *soak) lists(ctx context.Context, m *member) {
	paths := []string{
		"devices?limit=100", "devices/" + m.device.ID(), "orders?limit=20", "audit?limit=100",
		"devices?state=active&limit=50", "devices/" + m.device.ID() + "/events?limit=50", "whoami",
	}
	s.call(ctx, list, http.MethodGet, "/api/v1/"+paths[s.chance(len(paths))], "")
}
