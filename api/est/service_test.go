package est_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// line is a factory line before the door of a real service, with an order for two
// devices.
type line struct {
	t       *testing.T
	door    http.Handler
	service *enroll.Service
	clock   *resttest.Clock
	order   string
}

func newLine(t *testing.T) *line {
	t.Helper()
	rig := resttest.Open(t)
	door, err := est.New(est.Config{Service: rig.Service, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	order, err := rig.Service.CreateOrder(t.Context(), resttest.Principal(identity.Admin), enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 2})
	if err != nil {
		t.Fatal(err)
	}
	return &line{t: t, door: door, service: rig.Service, clock: rig.Clock, order: string(order.ID)}
}

func (l *line) ticket(serial string) string {
	l.t.Helper()
	drawn, err := l.service.DrawTickets(l.t.Context(), resttest.Principal(identity.Admin), l.order, []string{serial})
	if err != nil {
		l.t.Fatal(err)
	}
	return drawn[0].Ticket
}

// send sends a request and returns the status and, where that is 200, the
// certificate.
func (l *line) send(r *http.Request) (int, *x509.Certificate) {
	l.t.Helper()
	answer := serve(l.door, r)
	body := readAll(l.t, answer)
	if answer.StatusCode != http.StatusOK {
		return answer.StatusCode, nil
	}
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
	if err != nil {
		l.t.Fatal(err)
	}
	packed, err := pkcs7.Parse(der)
	if err != nil || len(packed.Certificates) != 1 {
		l.t.Fatalf("the answer holds %v (%v), want the one certificate that was issued", packed, err)
	}
	return answer.StatusCode, packed.Certificates[0]
}

func (l *line) enrol(path, serial, ticket string, key *ecdsa.PrivateKey) (int, *x509.Certificate) {
	l.t.Helper()
	r := post(path+"/simpleenroll", csrOf(l.t, key))
	r.SetBasicAuth(serial, ticket)
	return l.send(r)
}

func csrOf(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestLifeOfADevice(t *testing.T) {
	l := newLine(t)
	const base = "/.well-known/est"
	key := resttest.NewKey(t)
	ticket := l.ticket("SN1")

	if status, _ := l.enrol(base, "SN2", ticket, key); status != 401 {
		t.Errorf("another's ticket: %d, want 401", status)
	}
	if status, _ := l.enrol(base+"/aaaaaaaaaaaaaaaa", "SN1", ticket, key); status != 401 {
		t.Errorf("another order's label: %d, want 401", status)
	}
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := l.enrol(base, "SN1", ticket, weak); status != 400 {
		t.Errorf("a weak key: %d, want 400", status)
	}
	status, first := l.enrol("/"+l.order+base, "SN1", ticket, key)
	if status != 200 || first.Subject.CommonName != "TH20-SN1" || first.URIs[0].String() != "urn:dev:ops:32473-TH20-SN1" {
		t.Fatalf("enrolment: %d, %v", status, first)
	}
	if status, again := l.enrol(base+"/"+l.order, "SN1", ticket, key); status != 200 || !again.Equal(first) {
		t.Errorf("the same again: %d, want the same answer", status)
	}
	if status, _ := l.enrol(base, "SN1", l.ticket("SN1"), resttest.NewKey(t)); status != 409 {
		t.Errorf("a second key: %d, want 409", status)
	}
	if status, _ := l.enrol(base, "SN2", l.ticket("SN2"), key); status != 409 {
		t.Errorf("another device's key: %d, want 409", status)
	}

	l.clock.Add(time.Hour)
	renew := func(presented *x509.Certificate) (int, *x509.Certificate) {
		return l.send(presenting(post("/ignored"+base+"/simplereenroll", csrOf(t, key)), presented))
	}
	status, second := renew(first)
	if status != 200 || second.Equal(first) || second.Subject.CommonName != "TH20-SN1" {
		t.Fatalf("renewal: %d, %v", status, second)
	}
	if status, _ := renew(certificate(t, "stranger")); status != 401 {
		t.Errorf("a stranger's certificate: %d, want 401", status)
	}
	if _, err := l.service.Act(t.Context(), resttest.Principal(identity.Admin), "TH20-SN1", identity.Hold, "", ""); err != nil {
		t.Fatal(err)
	}
	if status, _ := renew(second); status != 409 {
		t.Errorf("a held device renews: %d, want 409", status)
	}
}

func TestAFullOrder(t *testing.T) {
	l := newLine(t)
	for _, serial := range []string{"SN1", "SN2"} {
		if status, _ := l.enrol("/.well-known/est", serial, l.ticket(serial), resttest.NewKey(t)); status != 200 {
			t.Errorf("%s: %d, want 200", serial, status)
		}
	}
	if status, _ := l.enrol("/.well-known/est", "SN3", l.ticket("SN3"), resttest.NewKey(t)); status != 409 {
		t.Errorf("one too many: %d, want 409", status)
	}
}

func TestGuessersHaveToWait(t *testing.T) {
	l := newLine(t)
	ticket, key := l.ticket("SN1"), resttest.NewKey(t)
	status := 0
	for range 20 {
		if status, _ = l.enrol("/.well-known/est", "SN1", "wrong", key); status == 429 {
			break
		}
	}
	if status != 429 {
		t.Fatalf("after 20 guesses: %d, want 429", status)
	}
	l.clock.Add(24 * time.Hour)
	if status, _ := l.enrol("/.well-known/est", "SN1", ticket, key); status != 200 {
		t.Errorf("the ticket, a day later: %d, want 200: guesses spend no ticket", status)
	}
}
