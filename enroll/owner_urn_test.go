package enroll_test

import (
	"crypto"
	"crypto/x509"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// named returns the URIs in a certificate.
func named(t *testing.T, issued enroll.Issued) []string {
	t.Helper()
	parsed, err := x509.ParseCertificate(issued.DER)
	check(t, err)
	var uris []string
	for _, uri := range parsed.URIs {
		uris = append(uris, uri.String())
	}
	return uris
}

func ownerURN(t *testing.T, r *rig, id identity.DeviceID) string {
	t.Helper()
	urn, err := identity.PersonURN(r.device(id).Owner)
	check(t, err)
	return urn
}

// A change of owner shows at the next renewal.
func TestTheCertificateNamesTheOwnerByProfile(t *testing.T) {
	r := newRig(t)
	order := r.order(2, func(o *enroll.NewOrder) { o.Profile, o.Owner = "owned", person("bob").ID() })
	key := newKey(t)
	issued, err := r.vouch(order, "SN1", key)
	check(t, err)
	device := "urn:dev:ops:32473-TH20-SN1"
	bobs := ownerURN(t, r, issued.Device)
	want := func(urns ...string) {
		t.Helper()
		if got := named(t, issued); !slices.Equal(got, urns) {
			t.Fatalf("the certificate names %v, want %v", got, urns)
		}
		key = newKey(t)
		issued, err = r.renew(issued, key)
		check(t, err)
	}
	want(device, bobs)
	r.give(issued.Device, person("ann"))
	want(device, bobs)
	anns := ownerURN(t, r, issued.Device)
	want(device, anns)
	check(t, r.ReleaseOwner(t.Context(), r.admin, string(issued.Device), ""))
	r.giveGroup(issued.Device, "kitchen")
	want(device, anns)
	want(device)
	if bobs == anns {
		t.Error("two people have one name")
	}
	plain := r.devices(1, func(o *enroll.NewOrder) { o.Model, o.Owner = "GW", person("bob").ID() })[0]
	if got := named(t, plain); len(got) != 1 {
		t.Errorf("by the default profile the certificate names %v", got)
	}
}

// signingMeanwhile has something happen while a certificate is being signed.
type signingMeanwhile struct {
	crypto.Signer
	do atomic.Pointer[func()]
}

func (s *signingMeanwhile) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if do := s.do.Swap(nil); do != nil {
		(*do)()
	}
	return s.Signer.Sign(random, digest, opts)
}

// An owner who changes while a certificate is being signed has it signed anew.
func TestTheOwnerChangesWhileTheCertificateIsSigned(t *testing.T) {
	signer := &signingMeanwhile{}
	issuer := newIssuer(t, func(key crypto.Signer) crypto.Signer { signer.Signer = key; return signer })
	r := openRig(t, t.TempDir()+"/touchmark.db", issuer)
	order := r.order(1, func(o *enroll.NewOrder) { o.Profile, o.Owner = "owned", person("bob").ID() })
	key := newKey(t)
	issued, err := r.vouch(order, "SN1", key)
	check(t, err)
	meanwhile := func() { r.give(issued.Device, person("ann")) }
	signer.do.Store(&meanwhile)
	renewed, err := r.renew(issued, newKey(t))
	check(t, err)
	if got := named(t, renewed); len(got) != 2 || got[1] != ownerURN(t, r, issued.Device) {
		t.Errorf("the certificate names %v", got)
	}
	if n := r.count(enroll.CertificateIssued); n != 2 {
		t.Errorf("%d certificates were recorded", n)
	}
}
