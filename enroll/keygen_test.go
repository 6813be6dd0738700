package enroll_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity/policy"
)

// keygen asks for a certificate and its key, by evidence; asking is the key in the
// CSR.
func (r *rig) keygen(evidence enroll.Evidence, asking crypto.Signer) (enroll.Issued, error) {
	r.tb.Helper()
	return r.Issue(context.WithoutCancel(r.tb.Context()), enroll.Request{
		Evidence: evidence, CSR: csr(r.tb, asking), Source: "192.0.2.1", MakeKey: true,
	})
}

// madeFor returns the private key that came with a certificate, which must be its own.
func madeFor(t *testing.T, issued enroll.Issued) *ecdsa.PrivateKey {
	t.Helper()
	if issued.Made == nil || issued.Recalled {
		t.Fatalf("no key came with %s", issued.Serial)
	}
	private, err := x509.ParsePKCS8PrivateKey(issued.Made.PKCS8())
	check(t, err)
	certificate, err := x509.ParseCertificate(issued.DER)
	check(t, err)
	key := private.(*ecdsa.PrivateKey)
	if !key.PublicKey.Equal(certificate.PublicKey) {
		t.Fatal("the certificate is for another key")
	}
	return key
}

// The key goes to the device with its certificate, and is nowhere else: not in the
// store, and not to be had again.
func TestKeygen(t *testing.T) {
	r := newRig(t)
	order := r.order(2)
	evidence := enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}
	asking := newKey(t)
	issued, err := r.keygen(evidence, asking)
	check(t, err)
	key := madeFor(t, issued)
	if key.PublicKey.Equal(asking.Public()) {
		t.Error("the key in the CSR was certified, and not the one that was made")
	}
	content, err := os.ReadFile(r.path)
	check(t, err)
	scalar, err := key.Bytes()
	check(t, err)
	if !bytes.Contains(content, issued.DER) {
		t.Fatal("the store does not hold the certificate; does this test still see it?")
	}
	if bytes.Contains(content, scalar) {
		t.Error("the private key is in the store")
	}
	told := 0
	for _, event := range r.log() {
		if event.Kind == enroll.CertificateIssued && event.Operation == "serverkeygen" && *event.Key == issued.Key {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d records say that the key was made here, want 1", told)
	}

	// Asked again, by whoever has the ticket: the key is gone.
	for _, again := range []crypto.Signer{asking, newKey(t), key} {
		_, err = r.keygen(evidence, again)
		wantCode(t, err, enroll.CloneSuspected)
		if !strings.Contains(err.Error(), "re-enrolment") {
			t.Errorf("says %q, and not what to do", err)
		}
	}
	_, err = r.AllowReenrol(t.Context(), r.admin, string(issued.Device), "the answer was lost")
	check(t, err)
	next, err := r.keygen(enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}, asking)
	check(t, err)
	if madeFor(t, next).Equal(key) {
		t.Error("the same key was made twice")
	}
	if info := r.device(issued.Device); info.Certificates[1].Status != enroll.StatusRevoked {
		t.Errorf("the lost one is %s", info.Certificates[1].Status)
	}
}

// A device that has a key of its own is not given its certificate again without one.
func TestKeygenRecallsNothing(t *testing.T) {
	r := newRig(t)
	order, key := r.order(1), newKey(t)
	evidence := enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}
	issued, err := r.enrol("SN1", evidence.Secret, key)
	check(t, err)
	_, err = r.keygen(evidence, key)
	wantCode(t, err, enroll.CloneSuspected)

	// By its certificate it gets one for a new key. Asked again from the same one, that
	// is a fork as any other.
	renewed, err := r.keygen(enroll.CertificateEvidence{DER: issued.DER}, key)
	check(t, err)
	made := madeFor(t, renewed)
	if renewed.Predecessor != issued.Serial {
		t.Error("the certificate has no predecessor")
	}
	_, err = r.keygen(enroll.CertificateEvidence{DER: issued.DER}, key)
	wantCode(t, err, enroll.CloneSuspected)
	again, err := r.renew(renewed, made)
	check(t, err)
	if again.Made != nil {
		t.Error("a key came without being asked for")
	}
}

// The policy of the fleet is as for any key: a key that travelled is one in software.
func TestKeygenObeysThePolicy(t *testing.T) {
	r := newRig(t)
	order := r.order(3)
	evidence := enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}
	r.say("/berlin", policy.Config{Keys: []policy.KeyKind{policy.ECDSAP384}})
	_, err := r.keygen(evidence, newKey(t))
	wantCode(t, err, enroll.WeakKey)
	r.say("/berlin", policy.Config{KeyProtection: []policy.KeyProtection{policy.TPM}})
	_, err = r.keygen(evidence, newKey(t))
	wantCode(t, err, enroll.WeakKey)
	r.say("/berlin", policy.Config{})
	issued, err := r.keygen(evidence, keyOn(t, elliptic.P384()))
	check(t, err)
	if kind, _ := policy.KeyKindOf(madeFor(t, issued).Public()); kind != policy.ECDSAP384 {
		t.Errorf("made a key of the kind %s", kind)
	}
}

// A request for a key waits as any enrolment, by the key in its CSR: nothing is made
// before somebody approved, and an approval of a key of the device's own is none of a
// key that is made.
func TestKeygenWaits(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	r.say("/berlin", policy.Config{Approval: []policy.Subject{policy.SubjectEnrolment}})
	evidence := enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}
	asking := newKey(t)
	waits := func() enroll.ApprovalID {
		t.Helper()
		_, err := r.keygen(evidence, asking)
		var waiting *enroll.Waiting
		if !errors.As(err, &waiting) {
			t.Fatalf("got %v, want a request that waits", err)
		}
		if !strings.Contains(waiting.Approval.Words, "made here") {
			t.Errorf("whoever approves is told %q", waiting.Approval.Words)
		}
		return waiting.Approval.ID
	}
	first := waits()
	if again := waits(); again != first {
		t.Errorf("asked again, and request %s waits beside %s", again, first)
	}
	_, err := r.enrol("SN1", evidence.Secret, asking)
	wantCode(t, err, enroll.Conflict)
	other := r.admin
	other.Subject = "another"
	_, err = r.Approve(t.Context(), other, string(first), "")
	check(t, err)
	issued, err := r.keygen(evidence, asking)
	check(t, err)
	madeFor(t, issued)
}

// A request that fails after its key was made leaves neither key nor ticket spent.
func TestKeygenThatFails(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	evidence := enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}
	for _, der := range [][]byte{nil, []byte("no request"), csr(t, keyOn(t, elliptic.P224()))} {
		_, err := r.Issue(t.Context(), enroll.Request{Evidence: evidence, CSR: der, Source: "192.0.2.1", MakeKey: true})
		if code := enroll.AsRefusal(err).Code; code != enroll.BadCSR && code != enroll.WeakKey {
			t.Errorf("%x: %v", der, err)
		}
	}
	issued, err := r.keygen(evidence, newKey(t))
	check(t, err)
	madeFor(t, issued)
	issued.Made.Erase()
	if issued.Made.PKCS8() != nil {
		t.Error("erased, and still there")
	}
}
