package ocsp_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEveryKindOfAnswer(t *testing.T) {
	l := newLab(t, nil)
	revokedAt := l.pki.Now.Add(-time.Hour)
	foreign := newSerial(t)
	l.set(foreign, ocsp.Status{})
	other := l.statuses[foreign]
	other.IssuerID = "0000000000000000"
	l.statuses[foreign] = other
	for name, test := range map[string]struct {
		serial ca.Serial
		set    *ocsp.Status
		status int
		reason ca.Reason
		word   string
	}{
		"good":            {newSerial(t), &ocsp.Status{}, xocsp.Good, 0, ": good"},
		"revoked":         {newSerial(t), &ocsp.Status{Revoked: true, RevokedAt: revokedAt, Reason: ca.KeyCompromise}, xocsp.Revoked, ca.KeyCompromise, ": revoked"},
		"unspecified":     {newSerial(t), &ocsp.Status{Revoked: true, RevokedAt: revokedAt}, xocsp.Revoked, ca.Unspecified, ": revoked"},
		"held":            {newSerial(t), &ocsp.Status{Revoked: true, RevokedAt: revokedAt, Reason: ca.CertificateHold}, xocsp.Revoked, ca.CertificateHold, "certificateHold"},
		"never issued":    {newSerial(t), nil, xocsp.Unknown, 0, ": unknown"},
		"another issuers": {foreign, nil, xocsp.Unknown, 0, ": unknown"},
		"not our form":    {ca.Serial{0x11, 1}, nil, xocsp.Unknown, 0, ": unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.set != nil {
				l.set(test.serial, *test.set)
			}
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				for _, nonce := range [][]byte{nil, []byte("a nonce")} {
					r := ocsp.Request{CertIDs: []ocsp.CertID{ocsp.NewCertID(hash, l.issuer, test.serial)}, Nonce: nonce}
					parsed, response := l.ask(t, r.Marshal(), test.serial)
					if parsed.Status != test.status || parsed.RevocationReason != int(test.reason) || parsed.Status == xocsp.Revoked && !parsed.RevokedAt.Equal(revokedAt) {
						t.Errorf("status %d, reason %d at %s", parsed.Status, parsed.RevocationReason, parsed.RevokedAt)
					}
					if !parsed.ThisUpdate.Equal(l.pki.Now) || !parsed.NextUpdate.Equal(l.pki.Now.Add(time.Hour)) || !response.ThisUpdate.Equal(parsed.ThisUpdate) || !response.NextUpdate.Equal(parsed.NextUpdate) {
						t.Errorf("from %s to %s", parsed.ThisUpdate, parsed.NextUpdate)
					}
					if want := nonce == nil && test.status != xocsp.Unknown; response.Cacheable != want {
						t.Errorf("cacheable is %v", response.Cacheable)
					}
					l.showToTools(t, r.Marshal(), response.DER, test.word)
				}
			}
		})
	}
}

// showToTools has openssl and GnuTLS read the answer, and openssl verify it
// with the nonce of the request.
func (l *lab) showToTools(t *testing.T, request, response []byte, word string) {
	t.Helper()
	root := certstest.File(t, "root.pem", ca.EncodeCertificatesPEM(l.pki.Cert.Raw))
	issuing := certstest.File(t, "issuing.pem", ca.EncodeCertificatesPEM(l.issuer.Certificate().Raw))
	reqFile, respFile := certstest.File(t, "request.der", request), certstest.File(t, "response.der", response)
	out := certstest.OpenSSL(t, nil, "ocsp", "-reqin", reqFile, "-respin", respFile, "-CAfile", root, "-verify_other", issuing, "-issuer", issuing, "-resp_text")
	if !strings.Contains(out, "Response verify OK") || strings.Contains(out, "WARNING") && bytes.Contains(request, []byte("a nonce")) {
		t.Errorf("openssl does not accept the answer:\n%s", out)
	}
	if text := strings.ReplaceAll(out, "Cert Status", ""); !strings.Contains(text, word) && !strings.Contains(text, strings.TrimPrefix(word, ": ")) {
		t.Errorf("openssl does not show %q:\n%s", word, out)
	}
	if out, err := certstest.Run(t, nil, "ocsptool", "--response-info", "--load-response", respFile); err != nil {
		t.Errorf("GnuTLS cannot read the answer: %v\n%s", err, out)
	}
}

func TestAnswersThatAreErrors(t *testing.T) {
	l := newLab(t, nil)
	stranger := newIssuer(t, l.pki, "Stranger")
	serial := l.good(t)
	ours := ocsp.NewCertID(crypto.SHA1, l.issuer, serial)
	theirs := ocsp.NewCertID(crypto.SHA1, stranger, serial)
	sha384 := ours
	sha384.Raw = bytes.Replace(ocsp.NewCertID(crypto.SHA256, l.issuer, serial).Raw, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2}, 1)
	down := errors.New("the store is down")
	for name, test := range map[string]struct {
		request ocsp.Request
		fail    error
		err     error
		der     []byte
	}{
		"another issuer": {ocsp.Request{CertIDs: []ocsp.CertID{theirs}}, nil, ocsp.ErrUnauthorized, ocsp.Unauthorized()},
		"mixed issuers":  {ocsp.Request{CertIDs: []ocsp.CertID{ours, theirs}}, nil, ocsp.ErrUnauthorized, ocsp.Unauthorized()},
		"mixed, nonce":   {ocsp.Request{CertIDs: []ocsp.CertID{theirs, ours}, Nonce: []byte{1}}, nil, ocsp.ErrUnauthorized, ocsp.Unauthorized()},
		"unknown hash":   {ocsp.Request{CertIDs: []ocsp.CertID{sha384}}, nil, ocsp.ErrUnauthorized, ocsp.Unauthorized()},
		"store down":     {ocsp.Request{CertIDs: []ocsp.CertID{ours}}, down, ocsp.ErrTryLater, ocsp.TryLater()},
	} {
		t.Run(name, func(t *testing.T) {
			l.failWith(test.fail)
			response, err := l.Respond(t.Context(), test.request.Marshal())
			if !errors.Is(err, test.err) || test.fail != nil && !errors.Is(err, test.fail) || !bytes.Equal(response.DER, test.der) || response.Cacheable || !response.NextUpdate.IsZero() {
				t.Errorf("answer is %+v, %v; want %x, %v", response, err, test.der, test.err)
			}
			out, _ := certstest.Run(t, nil, "openssl", "ocsp", "-respin", certstest.File(t, "r.der", response.DER), "-resp_text", "-noverify")
			if !strings.Contains(strings.ToLower(out), "responder error") && !strings.Contains(strings.ToLower(out), "ocsp response status") {
				t.Errorf("openssl cannot read it:\n%s", out)
			}
		})
	}
	if got := ocsp.InternalError(); !bytes.Equal(got, []byte{0x30, 3, 0x0a, 1, 2}) {
		t.Errorf("InternalError() = %x", got)
	}
}

func TestSeveralCertIDsInOneAnswer(t *testing.T) {
	l := newLab(t, nil)
	good, revoked, unknown := l.good(t), newSerial(t), newSerial(t)
	l.set(revoked, ocsp.Status{Revoked: true, RevokedAt: l.pki.Now, Reason: ca.Superseded})
	request := l.request(nil, good, revoked, unknown)
	for serial, want := range map[ca.Serial]int{good: xocsp.Good, revoked: xocsp.Revoked, unknown: xocsp.Unknown} {
		if parsed, _ := l.ask(t, request, serial); parsed.Status != want {
			t.Errorf("status of %s is %d, want %d", serial, parsed.Status, want)
		}
	}
	if _, response := l.ask(t, l.request(nil, good, revoked), good); !response.Cacheable {
		t.Error("an answer about known certificates is not cacheable")
	}
}

func TestNonceIsAlwaysSignedAfresh(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	request := l.request([]byte("0123456789abcdef"), serial)
	_, first := l.ask(t, request, serial)
	_, second := l.ask(t, request, serial)
	if bytes.Equal(first.DER, second.DER) || l.lookups.Load() != 2 {
		t.Errorf("%d lookups; the answers are equal: %v", l.lookups.Load(), bytes.Equal(first.DER, second.DER))
	}
	if !bytes.Contains(first.DER, []byte("0123456789abcdef")) {
		t.Error("the nonce is not in the answer")
	}
}

func TestHotAnswersAreKept(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	_, first := l.ask(t, l.request(nil, serial), serial)
	l.advance(29 * time.Minute)
	_, second := l.ask(t, l.request(nil, serial), serial)
	if !bytes.Equal(first.DER, second.DER) || l.lookups.Load() != 1 {
		t.Errorf("%d lookups for a hot answer", l.lookups.Load())
	}
}

func TestUnknownIsNotKept(t *testing.T) {
	l := newLab(t, nil)
	serial := newSerial(t)
	if parsed, _ := l.ask(t, l.request(nil, serial), serial); parsed.Status != xocsp.Unknown {
		t.Fatalf("status is %d", parsed.Status)
	}
	l.set(serial, ocsp.Status{}) // issued a moment later; nobody drops for that
	if parsed, _ := l.ask(t, l.request(nil, serial), serial); parsed.Status != xocsp.Good {
		t.Errorf("status is %d after issuance", parsed.Status)
	}
}

func TestRefreshWhileAskedFor(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	_, first := l.ask(t, l.request(nil, serial), serial)
	l.advance(31 * time.Minute)
	l.failWith(errors.New("the store is down"))
	if _, kept := l.ask(t, l.request(nil, serial), serial); !bytes.Equal(kept.DER, first.DER) {
		t.Error("the kept answer does not serve while a refresh fails")
	}
	if l.ask(t, l.request(nil, serial), serial); l.lookups.Load() != 2 {
		t.Errorf("%d lookups; a failed refresh is tried again at once", l.lookups.Load())
	}
	l.failWith(nil)
	l.advance(4 * time.Minute)
	if _, fresh := l.ask(t, l.request(nil, serial), serial); !fresh.ThisUpdate.Equal(l.pki.Now.Add(35 * time.Minute)) {
		t.Errorf("thisUpdate is %s, want a refreshed answer", fresh.ThisUpdate)
	}
	l.advance(time.Hour)
	l.failWith(errors.New("the store is down"))
	if response, err := l.Respond(t.Context(), l.request(nil, serial)); !errors.Is(err, ocsp.ErrTryLater) {
		t.Errorf("an expired answer is served: %+v, %v", response, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	l := newLab(t, func(_ *lab, c *ocsp.Config) { c.CacheBytes = 20_000 })
	var serials []ca.Serial
	for range 100 {
		s := l.good(t)
		serials = append(serials, s)
		l.ask(t, l.request(nil, s), s)
	}
	before := l.lookups.Load()
	for _, s := range serials[97:] {
		l.ask(t, l.request(nil, s), s)
	}
	if got := l.lookups.Load(); got != before {
		t.Errorf("the newest answers were not kept: %d lookups more", got-before)
	}
	for _, s := range serials[:80] {
		l.ask(t, l.request(nil, s), s)
	}
	if got := l.lookups.Load() - before; got != 80 {
		t.Errorf("%d of 80 old answers were looked up again; the cache is not bounded", got)
	}

	off := newLab(t, func(_ *lab, c *ocsp.Config) { c.CacheBytes = -1 })
	s := off.good(t)
	off.ask(t, off.request(nil, s), s)
	if off.ask(t, off.request(nil, s), s); off.lookups.Load() != 2 {
		t.Errorf("%d lookups without a cache, want 2", off.lookups.Load())
	}
}

func TestConfigIsChecked(t *testing.T) {
	l := newLab(t, nil)
	issuers := func() []*ca.Issuer { return nil }
	lookup := func(context.Context, ca.Serial) (ocsp.Status, error) { return ocsp.Status{}, nil }
	for name, config := range map[string]ocsp.Config{
		"nothing":        {},
		"short validity": {Issuers: issuers, Lookup: lookup, Certify: l.certify, Validity: time.Second},
		"long validity":  {Issuers: issuers, Lookup: lookup, Certify: l.certify, Validity: 8 * 24 * time.Hour},
	} {
		if _, err := ocsp.New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r, err := ocsp.New(ocsp.Config{Issuers: issuers, Lookup: lookup, Certify: l.certify})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Respond(t.Context(), l.request(nil, newSerial(t))); !errors.Is(err, ocsp.ErrUnauthorized) {
		t.Errorf("without issuers: %v", err)
	}
}

func TestHotAnswerCostsAlmostNothing(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	request := l.request(nil, serial)
	l.ask(t, request, serial)
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := l.Respond(context.Background(), request); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 1 {
		t.Errorf("%v allocations for a hot answer", allocations)
	}
}
