package ocsp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// The lab's responder certificates last nine hours and are renewed after six.

func TestResponderCertificate(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	parsed, _ := l.ask(t, l.request(nil, serial), serial)
	cert := parsed.Certificate
	if cert == nil || parsed.RawResponderName != nil || !bytes.Equal(cert.RawIssuer, l.issuer.Certificate().RawSubject) {
		t.Fatalf("the answer carries %+v", cert)
	}
	if parsed.SignatureAlgorithm.String() != "ECDSA-SHA256" {
		t.Errorf("signed with %s", parsed.SignatureAlgorithm)
	}
}

func TestRotation(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	request := l.request([]byte("nonce"), serial)
	first, _ := l.ask(t, request, serial)
	l.advance(5 * time.Hour)
	if same, _ := l.ask(t, request, serial); !same.Certificate.Equal(first.Certificate) || l.certified.Load() != 1 {
		t.Error("the certificate was changed early")
	}
	l.advance(time.Hour)
	second, _ := l.ask(t, request, serial)
	if second.Certificate.Equal(first.Certificate) || l.certified.Load() != 2 {
		t.Errorf("the certificate was not changed after two thirds of its life")
	}
	if bytes.Equal(second.Certificate.RawSubjectPublicKeyInfo, first.Certificate.RawSubjectPublicKeyInfo) {
		t.Error("the new certificate is for the old key")
	}
}

func TestRotationThatFails(t *testing.T) {
	down := errors.New("the issuing key does not answer")
	var failing bool
	l := newLab(t, func(l *lab, _ *ocsp.Config) {
		l.onCertify = func(der []byte) ([]byte, error) {
			if failing {
				return nil, down
			}
			return der, nil
		}
	})
	serial := l.good(t)
	request := l.request([]byte("nonce"), serial)
	first, _ := l.ask(t, request, serial)

	failing = true
	l.advance(8*time.Hour + 30*time.Minute)
	for range 3 {
		parsed, _ := l.ask(t, request, serial)
		if !parsed.Certificate.Equal(first.Certificate) || parsed.NextUpdate.After(first.Certificate.NotAfter) {
			t.Errorf("the answer reaches to %s, its certificate to %s", parsed.NextUpdate, parsed.Certificate.NotAfter)
		}
	}
	if got := l.certified.Load(); got != 2 {
		t.Errorf("%d attempts within a minute, want one more than the first", got)
	}
	l.advance(time.Hour)
	for range 3 {
		if _, err := l.Respond(t.Context(), request); !errors.Is(err, ocsp.ErrTryLater) || !errors.Is(err, down) {
			t.Errorf("error is %v, want ErrTryLater", err)
		}
	}
	if got := l.certified.Load(); got != 3 {
		t.Errorf("%d attempts; without a certificate there is one a second", got)
	}
	failing = false
	l.advance(time.Second)
	if second, _ := l.ask(t, request, serial); second.Certificate.Equal(first.Certificate) {
		t.Error("the old certificate signed after its end")
	}
}

// While one obtains the next certificate, others are answered with the old one.
func TestRotationInterruptsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		var slow bool
		l := newLab(t, func(l *lab, _ *ocsp.Config) {
			l.onCertify = func(der []byte) ([]byte, error) {
				if slow {
					<-proceed
				}
				return der, nil
			}
		})
		serial := l.good(t)
		request := l.request([]byte("nonce"), serial)
		first, _ := l.ask(t, request, serial)
		l.advance(7 * time.Hour)
		slow = true
		var one sync.WaitGroup
		one.Go(func() {
			if second, _ := l.ask(t, request, serial); second.Certificate.Equal(first.Certificate) {
				t.Error("the one who obtained the new certificate did not use it")
			}
		})
		synctest.Wait()
		for range 10 {
			if parsed, _ := l.ask(t, request, serial); !parsed.Certificate.Equal(first.Certificate) {
				t.Error("another certificate before it was obtained")
			}
		}
		close(proceed)
		one.Wait()
		if got := l.certified.Load(); got != 2 {
			t.Errorf("%d certificates obtained", got)
		}
	})
}

func TestUnfitResponderCertificatesAreNotUsed(t *testing.T) {
	pki := certstest.New(t)
	stranger := newIssuer(t, pki, "Stranger")
	for name, certify := range map[string]func(l *lab, key crypto.PublicKey) ([]byte, error){
		"nothing":        func(*lab, crypto.PublicKey) ([]byte, error) { return nil, nil },
		"another issuer": func(l *lab, key crypto.PublicKey) ([]byte, error) { return l.sign(context.Background(), stranger, key) },
		"same name": func(l *lab, key crypto.PublicKey) ([]byte, error) {
			return l.sign(context.Background(), newIssuer(t, pki, "Device CA"), key)
		},
		"another key": func(l *lab, _ crypto.PublicKey) ([]byte, error) {
			return l.sign(context.Background(), l.issuer, certstest.Key(t, certstest.P256).Public())
		},
		"a device's": func(l *lab, key crypto.PublicKey) ([]byte, error) {
			profile, err := ca.NewProfile(ca.ProfileConfig{Name: "device"})
			if err != nil {
				return nil, err
			}
			prepared, err := l.issuer.Prepare(profile, key, ca.Subject{CommonName: "x", URIs: []string{"urn:x:y"}}, nil, l.clock(), rand.Reader)
			if err != nil {
				return nil, err
			}
			signed, err := l.issuer.Sign(context.Background(), prepared)
			if err != nil {
				return nil, err
			}
			return signed.DER, nil
		},
		"about to expire": func(l *lab, key crypto.PublicKey) ([]byte, error) {
			l.advance(10*time.Second - 9*time.Hour)
			defer l.advance(9*time.Hour - 10*time.Second)
			return l.sign(context.Background(), l.issuer, key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, func(l *lab, c *ocsp.Config) {
				c.Certify = func(_ context.Context, _ string, key crypto.PublicKey) ([]byte, error) { return certify(l, key) }
			})
			serial := l.good(t)
			if response, err := l.Respond(t.Context(), l.request(nil, serial)); !errors.Is(err, ocsp.ErrTryLater) {
				t.Errorf("answer is %x, %v; want ErrTryLater", response.DER, err)
			}
		})
	}
}

func BenchmarkRespond(b *testing.B) {
	l := newLab(b, nil)
	serial := l.good(b)
	hot := l.request(nil, serial)
	l.ask(b, hot, serial)
	b.Run("hot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Respond(context.Background(), hot); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l.Drop(serial)
			if _, err := l.Respond(context.Background(), hot); err != nil {
				b.Fatal(err)
			}
		}
	})
	nonce := l.request([]byte("0123456789abcdef"), serial)
	b.Run("nonce", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Respond(context.Background(), nonce); err != nil {
				b.Fatal(err)
			}
		}
	})
}
