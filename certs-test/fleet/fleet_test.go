package fleet_test

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// worked is a fleet that has worked for a while on a real server.
type worked struct {
	*fleet.Fleet
	lab *lab.Lab
}

func work(t *testing.T) worked {
	t.Helper()
	program, err := lab.Program(t.Context(), t.TempDir())
	check(t, err)
	made, err := lab.New(t.Context(), lab.Config{Dir: t.TempDir(), Program: program})
	check(t, err)
	server, err := made.Serve(t.Context(), 0)
	check(t, err)
	t.Cleanup(server.Kill)
	f, err := fleet.New(fleet.Config{Site: made.Site, Clients: 4, Seed: 1, Name: "t", Grace: time.Second, Clock: time.Now})
	check(t, err)
	t.Cleanup(f.Close)
	working, stop := context.WithCancel(t.Context())
	go func() {
		defer stop()
		for n := f.Ledger.Counts(); !enoughDone(n); n = f.Ledger.Counts() {
			time.Sleep(time.Millisecond)
		}
	}()
	f.Work(working)
	check(t, f.Settle(t.Context()))
	return worked{f, made}
}

// enoughDone says whether everything was done that the tests look for.
func enoughDone(n fleet.Counts) bool {
	for _, ask := range fleet.Asks() {
		if n.Acknowledged[ask] < 2 {
			return false
		}
	}
	return n.Operations() > 100
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// faults verifies and returns what was found.
func (w worked) faults(t *testing.T) string {
	t.Helper()
	check(t, w.Verify(t.Context(), fleet.Scope{All: true}))
	var text strings.Builder
	for _, fault := range w.Ledger.Faults() {
		text.WriteString(fault.Error() + "\n")
	}
	return text.String()
}

// find returns the first device that is as asked for.
func (w worked) find(t *testing.T, what string, is func(*fleet.Device) bool) *fleet.Device {
	t.Helper()
	for _, o := range w.Ledger.Orders {
		for _, d := range o.Devices {
			if is(d) {
				return d
			}
		}
	}
	t.Fatalf("no device %s", what)
	return nil
}

// active says whether a device and its newest certificate are.
func active(d *fleet.Device) bool {
	return d.State == identity.Active && d.Newest().Status == enroll.StatusGood
}

// TestJudge doctors the ledger, so that the server has lost or done what it says
// otherwise: a judge that finds nothing then is worth nothing.
func TestJudge(t *testing.T) {
	w := work(t)
	if found := w.faults(t); found != "" {
		t.Fatalf("a sound server:\n%s", found)
	}
	for _, test := range []struct {
		name   string
		doctor func(*testing.T) (undo func())
		want   []string
	}{
		{"a certificate is lost", w.loseCertificate, []string{
			"is not among the device's", "is not known", "OCSP of node 0 has status 2", "was given", "the log, of",
		}},
		{"a certificate that nobody received", w.forgetCertificate, []string{"and nobody received it"}},
		{"a revocation is lost", w.loseRevocation, []string{
			"is good in its device's list, and the last that was told is revoked", "OCSP of node 0 has status 0", "is revoked, and it is not on it",
		}},
		{"a hold is lost", w.loseHold, []string{"it is active, and the last that was told is held"}},
		{"a release is lost", w.loseRelease, []string{"and the last that was told is good", "is good, and it is on it", "OCSP of node 0 has status 1"}},
		{"an enrolment is lost", w.loseEnrolment, []string{"the server does not know the device", "and nobody was told"}},
		{"an order is lost", w.loseOrder, []string{"was created and is not known"}},
		{"more than the quantity", w.shrinkOrder, []string{"enrolled, lists"}},
		{"full before its time", w.sayFull, []string{"told a device that it is full with"}},
		{"the log was written anew", w.otherRoot, []string{"are not those of the checkpoint", "the log's export"}},
		{"the log was cut", w.longerLog, []string{"is shorter than the checkpoint", "the log's export"}},
		{"a voided ticket opens", w.voidTicket, []string{"its voided ticket opened for another key"}}, // the last: it does
	} {
		t.Run(test.name, func(t *testing.T) {
			undo := test.doctor(t)
			found := w.faults(t)
			undo()
			for _, want := range test.want {
				if !strings.Contains(found, want) {
					t.Errorf("no fault says %q:\n%s", want, found)
				}
			}
		})
	}
}

func (w worked) loseCertificate(t *testing.T) func() {
	d := w.find(t, "with one certificate", func(d *fleet.Device) bool { return active(d) && len(d.Certificates) == 1 })
	newest := d.Newest()
	serial, err := ca.NewSerial(strings.NewReader(strings.Repeat("lost", 5)), time.Now().Add(time.Hour))
	check(t, err)
	lost := &fleet.Certificate{Serial: serial, Identity: newest.Identity, Status: newest.Status}
	lost.Leaf, err = x509.ParseCertificate(selfSigned(t, &x509.Certificate{
		SerialNumber: serial.Int(), Subject: newest.Leaf.Subject, CRLDistributionPoints: newest.Leaf.CRLDistributionPoints,
	}))
	check(t, err)
	d.Certificates[len(d.Certificates)-1] = lost
	return func() { d.Certificates[len(d.Certificates)-1] = newest }
}

func (w worked) forgetCertificate(t *testing.T) func() {
	d := w.find(t, "with two certificates", func(d *fleet.Device) bool { return len(d.Certificates) > 1 })
	all := d.Certificates
	d.Certificates = all[:1]
	return func() { d.Certificates = all }
}

func (w worked) loseRevocation(t *testing.T) func() {
	c := w.find(t, "that is active", active).Newest()
	c.Status = enroll.StatusRevoked
	return func() { c.Status = enroll.StatusGood }
}

func (w worked) loseHold(t *testing.T) func() {
	d := w.find(t, "that is active", active)
	d.State = identity.Held
	return func() { d.State = identity.Active }
}

func (w worked) loseRelease(t *testing.T) func() {
	c := w.find(t, "that is revoked", func(d *fleet.Device) bool { return d.State == identity.Revoked }).Newest()
	c.Status = enroll.StatusGood
	return func() { c.Status = enroll.StatusRevoked }
}

func (w worked) loseEnrolment(t *testing.T) func() {
	d := w.find(t, "that is active", active)
	serial := d.Serial
	d.Serial += ".lost"
	return func() { d.Serial = serial }
}

func (w worked) loseOrder(*testing.T) func() {
	o := w.Ledger.Orders[0]
	id := o.ID
	o.ID = strings.Repeat("0", len(id))
	return func() { o.ID = id }
}

func (w worked) shrinkOrder(t *testing.T) func() {
	o := w.find(t, "that is active", active).Order
	o.Quantity--
	return func() { o.Quantity++ }
}

func (w worked) sayFull(t *testing.T) func() {
	d := w.find(t, "of an order with room", hasRoom)
	d.Full = true
	return func() { d.Full = false }
}

// hasRoom says whether a device waits for an order that is not full.
func hasRoom(d *fleet.Device) bool {
	enrolled := 0
	for _, other := range d.Order.Devices {
		if other.State != identity.Expected {
			enrolled++
		}
	}
	return d.State == identity.Expected && enrolled < d.Order.Quantity && d.Voided == ""
}

func (w worked) otherRoot(t *testing.T) func() { return w.checkpoint(t, 0) }

func (w worked) longerLog(t *testing.T) func() { return w.checkpoint(t, 1_000_000) }

// checkpoint keeps one of another log that is so much longer.
func (w worked) checkpoint(t *testing.T, longer uint64) func() {
	t.Helper()
	kept := w.Ledger.Checkpoint
	c, err := audit.OpenCheckpoint(kept, w.lab.Site.LogKey)
	check(t, err)
	key, err := os.ReadFile(filepath.Join(w.lab.Dir, "log.key"))
	check(t, err)
	signer, err := note.NewSigner(strings.TrimSpace(string(key)))
	check(t, err)
	w.Ledger.Checkpoint, err = audit.SignCheckpoint(c.Origin, c.Size+longer, tlog.Hash{1}, signer)
	check(t, err)
	return func() { w.Ledger.Checkpoint = kept }
}

func (w worked) voidTicket(t *testing.T) func() {
	d := w.find(t, "with a ticket that was not used, of an order with room", hasRoom)
	d.Voided = d.Ticket
	return func() {}
}
