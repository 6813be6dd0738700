package status_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/status"
	"github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/enroll"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// published is a status.Source of one issuer, "i1", with one CRL, "0-1-0-0".
type published struct {
	crl    []byte
	next   time.Time
	broken error // what the bundle ends with
}

func (p *published) CRL(_ context.Context, issuer, shard string) ([]byte, time.Time, error) {
	if issuer != "i1" || shard != "0-1-0-0" {
		return nil, time.Time{}, enroll.Refuse(enroll.NotFound, "no such CRL")
	}
	return p.crl, p.next, nil
}

func (p *published) CRLBundle(_ context.Context, _ string, yield func([]byte) error) error {
	return errors.Join(yield(p.crl), yield(p.crl), p.broken)
}

func (p *published) IssuerCertificate(_ context.Context, id string) ([]byte, error) {
	if id != "i1" {
		return nil, enroll.Refuse(enroll.NotFound, "no such issuer")
	}
	return []byte("certificate"), nil
}

// responder answers "good" with a cacheable answer, "nonce" with one that is not,
// and everything else as malformed. It remembers what it was asked.
type responder struct{ asked [][]byte }

func (r *responder) Respond(_ context.Context, request []byte) (ocsp.Response, error) {
	r.asked = append(r.asked, request)
	answer := ocsp.Response{DER: []byte("answer to " + string(request)), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}
	switch {
	case strings.HasPrefix(string(request), "good"):
		answer.Cacheable = true
		return answer, nil
	case string(request) == "nonce":
		return answer, nil
	case string(request) == "later":
		return ocsp.Response{DER: ocsp.TryLater()}, ocsp.ErrTryLater
	default:
		return ocsp.Response{DER: ocsp.MalformedRequest()}, ocsp.ErrMalformed
	}
}

func newDoor(t *testing.T, source status.Source, answers status.Responder, parents ...string) http.Handler {
	t.Helper()
	door, err := status.New(status.Config{
		Source: source, OCSP: answers, ParentCRLs: parents, Clock: func() time.Time { return now },
		Ready: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return door
}

func get(door http.Handler, target string, header ...string) *http.Response {
	return do(door, httptest.NewRequest(http.MethodGet, target, nil), header...)
}

func do(door http.Handler, r *http.Request, header ...string) *http.Response {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	door.ServeHTTP(recorder, r)
	return recorder.Result()
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// makeCRL returns a CRL, DER, that a CA called name made at the time at.
func makeCRL(t *testing.T, name string, at time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := pkix.Name{CommonName: name}
	raw, err := asn1.Marshal(subject.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	issuer := &x509.Certificate{Subject: subject, RawSubject: raw, SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: at, NextUpdate: at.Add(time.Hour)}, issuer, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCRL(t *testing.T) {
	made := now.Add(-time.Minute)
	source := &published{crl: makeCRL(t, "CA", made), next: now.Add(time.Hour)}
	door := newDoor(t, source, &responder{})
	answer := get(door, "/crl/i1/0-1-0-0.crl")
	if text := body(t, answer); answer.StatusCode != 200 || text != string(source.crl) {
		t.Fatalf("status %d, %d octets", answer.StatusCode, len(text))
	}
	for header, want := range map[string]string{
		"Content-Type": "application/pkix-crl", "Last-Modified": made.Format(http.TimeFormat),
		"Cache-Control": "public, no-transform, must-revalidate, max-age=60", "Expires": now.Add(time.Minute).Format(http.TimeFormat),
	} {
		if got := answer.Header.Get(header); got != want {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
	tag := answer.Header.Get("ETag")
	if again := get(door, "/crl/i1/0-1-0-0.crl", "If-None-Match", tag); again.StatusCode != 304 {
		t.Errorf("the same again is %d, want 304", again.StatusCode)
	}
	source.crl = makeCRL(t, "CA", made)
	if fresh := get(door, "/crl/i1/0-1-0-0.crl", "If-None-Match", tag); fresh.StatusCode != 200 {
		t.Errorf("another of the same second is %d, want 200", fresh.StatusCode)
	}
	source.next = now.Add(20 * time.Second)
	if soon := get(door, "/crl/i1/0-1-0-0.crl"); !strings.HasSuffix(soon.Header.Get("Cache-Control"), "max-age=20") {
		t.Errorf("close to its nextUpdate it has %s", soon.Header.Get("Cache-Control"))
	}
	source.next = now.Add(-time.Second)
	if late := get(door, "/crl/i1/0-1-0-0.crl"); !strings.HasSuffix(late.Header.Get("Cache-Control"), "max-age=0") {
		t.Errorf("past its nextUpdate it has %s", late.Header.Get("Cache-Control"))
	}
}

func TestAddresses(t *testing.T) {
	door := newDoor(t, &published{crl: makeCRL(t, "CA", now)}, &responder{})
	for _, test := range []struct {
		method, target string
		want           int
	}{
		{"GET", "/issuer/i1.cer", 200},
		{"HEAD", "/issuer/i1.cer", 200},
		{"GET", "/issuer/i2.cer", 404},
		{"GET", "/crl/i1/0-1-0-1.crl", 404},
		{"GET", "/crl/i2/0-1-0-0.crl", 404},
		{"GET", "/crl/i2/bundle.pem", 404},
		{"HEAD", "/crl/i1/bundle.pem", 200},
		{"HEAD", "/crl/i1/0-1-0-0.crl", 200},
		{"POST", "/crl/i1/0-1-0-0.crl", 405},
		{"DELETE", "/issuer/i1.cer", 405},
		{"GET", "/", 404},
		{"GET", "/healthz", 200},
		{"GET", "/readyz", 200},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			if got := do(door, httptest.NewRequest(test.method, test.target, nil)).StatusCode; got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
		})
	}
}

func TestNotReady(t *testing.T) {
	door, err := status.New(status.Config{
		Source: &published{}, OCSP: &responder{}, Log: slog.New(slog.DiscardHandler), Clock: time.Now,
		Ready: func(context.Context) error { return errors.New("stopping") },
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := get(door, "/readyz")
	if text := body(t, answer); answer.StatusCode != 503 || text != "stopping\n" {
		t.Errorf("readyz: %d %q", answer.StatusCode, text)
	}
	if alive := get(door, "/healthz"); alive.StatusCode != 200 {
		t.Errorf("healthz: %d", alive.StatusCode)
	}
}

func TestBundleFollowsParentCRLs(t *testing.T) {
	der := makeCRL(t, "root", now)
	file := filepath.Join(t.TempDir(), "root.crl")
	write := func(content []byte, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(file, content, 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	asPEM := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}) }
	count := func(door http.Handler) int {
		t.Helper()
		answer := get(door, "/crl/i1/bundle.pem")
		text := body(t, answer)
		n := strings.Count(text, "-----BEGIN X509 CRL-----")
		for rest := []byte(text); n > 0; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if _, err := x509.ParseRevocationList(block.Bytes); err != nil {
				t.Errorf("a block of the bundle is no CRL: %v", err)
			}
		}
		return n
	}
	write(der, now)
	door := newDoor(t, &published{crl: makeCRL(t, "CA", now)}, &responder{}, file)
	if n := count(door); n != 3 {
		t.Errorf("%d CRLs, want two shards and the parent's", n)
	}
	write(append([]byte("text before\n"), append(asPEM(der), asPEM(der)...)...), now.Add(time.Second))
	if n := count(door); n != 4 {
		t.Errorf("%d CRLs, want two shards and the parent's two", n)
	}
	write([]byte("garbage"), now.Add(2*time.Second))
	if n := count(door); n != 4 {
		t.Errorf("%d CRLs after the file was spoilt, want those of before", n)
	}
	if _, err := status.New(status.Config{ParentCRLs: []string{file}}); err == nil {
		t.Error("a door with a spoilt parent CRL was made")
	}
}

func TestBrokenBundleLooksBroken(t *testing.T) {
	server := httptest.NewServer(newDoor(t, &published{crl: makeCRL(t, "CA", now), broken: errors.New("the disk is on fire")}, &responder{}))
	defer server.Close()
	answer, err := http.Get(server.URL + "/crl/i1/bundle.pem")
	if err == nil {
		_, err = io.ReadAll(answer.Body)
		answer.Body.Close()
	}
	if err == nil {
		t.Error("half a bundle arrived as a whole one")
	}
}
