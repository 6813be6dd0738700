package enroll_test

import (
	"errors"
	"testing"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/enroll"
)

// FuzzTicketEvidence shows tickets of any form. None but the one that was drawn opens
// anything, and what is wrong is told in one way.
func FuzzTicketEvidence(f *testing.F) {
	r := newRig(f)
	order := r.order(1)
	ticket := r.ticket(order, "SN1")
	f.Add("SN1", ticket[:len(ticket)-1]+"~", string(order.ID))
	f.Add("SN2", ticket, "")
	f.Add("SN1", ticket, "another")
	f.Add("", "", "")
	for _, p := range payload.Texts() {
		f.Add(string(p.Bytes), ticket, string(p.Bytes))
	}
	request := csr(f, newKey(f))
	f.Fuzz(func(t *testing.T, user, secret, label string) {
		_, err := r.Issue(t.Context(), enroll.Request{
			// Each comes from somewhere else, so that none has to wait.
			Evidence: enroll.TicketEvidence{User: user, Secret: secret, Label: label}, CSR: request, Source: secret,
		})
		opens := user == "SN1" && secret == ticket
		var refusal *enroll.Refusal
		switch {
		case err == nil && !opens:
			t.Errorf("%q, %q, %q enrols", user, secret, label)
		case err != nil && (!errors.As(err, &refusal) || refusal.Code != enroll.Unauthenticated && refusal.Code != enroll.RateLimited):
			t.Errorf("%q, %q, %q: %v", user, secret, label, err)
		}
	})
}

// FuzzCertificateEvidence shows certificates of any form: what was not issued byte for
// byte is nobody's.
func FuzzCertificateEvidence(f *testing.F) {
	r := newRig(f)
	issued, _ := r.enrolled("SN1")
	f.Add(issued.DER)
	f.Add(issued.DER[:len(issued.DER)-1])
	f.Add(append(append([]byte{}, issued.DER...), 0))
	f.Add(r.issuer.Certificate().Raw)
	f.Add([]byte{0x30, 0x80, 0, 0})
	for at := 0; at < len(issued.DER); at += 7 {
		flipped := append([]byte{}, issued.DER...)
		flipped[at] ^= 0x20
		f.Add(flipped)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		p, err := r.CertificatePrincipal(t.Context(), der)
		var refusal *enroll.Refusal
		switch same := string(der) == string(issued.DER); {
		case err == nil && (!same || p.Device != "TH20-SN1"):
			t.Errorf("%x is %+v", der, p)
		case err != nil && (same || !errors.As(err, &refusal) || refusal.Code != enroll.Unauthenticated):
			t.Errorf("%x: %v", der, err)
		}
	})
}
