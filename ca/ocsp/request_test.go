package ocsp_test

import (
	"bytes"
	"crypto"
	"errors"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func TestParseRequestOfOpenSSL(t *testing.T) {
	l := newLab(t, nil)
	issuing := certstest.File(t, "issuing.pem", ca.EncodeCertificatesPEM(l.issuer.Certificate().Raw))
	serial := newSerial(t)
	for name, test := range map[string]struct {
		args  []string
		hash  crypto.Hash
		nonce bool
	}{
		"SHA-1":           {[]string{"-no_nonce"}, crypto.SHA1, false},
		"SHA-1 and nonce": {nil, crypto.SHA1, true},
		"SHA-256":         {[]string{"-sha256", "-no_nonce"}, crypto.SHA256, false},
		"SHA-384":         {[]string{"-sha384", "-no_nonce"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := certstest.File(t, "request.der", nil)
			args := append([]string{"ocsp"}, test.args...)
			certstest.OpenSSL(t, nil, append(args, "-issuer", issuing, "-serial", "0x"+serial.String(), "-reqout", path)...)
			r, err := ocsp.ParseRequest(readFile(t, path))
			if err != nil {
				t.Fatal(err)
			}
			id := r.CertIDs[0]
			if len(r.CertIDs) != 1 || id.Hash != test.hash || !bytes.Equal(id.Serial, serial[:]) || (r.Nonce != nil) != test.nonce {
				t.Errorf("request is read as %+v", r)
			}
			if l.issuer.Matches(id.Hash, id.NameHash, id.KeyHash) != (test.hash != 0) {
				t.Error("the issuer is not recognised")
			}
		})
	}
}

func TestParseRequestRoundTrips(t *testing.T) {
	l := newLab(t, nil)
	for name, r := range map[string]*ocsp.Request{
		"one":        {CertIDs: []ocsp.CertID{ocsp.NewCertID(crypto.SHA256, l.issuer, newSerial(t))}},
		"nonce of 1": {CertIDs: []ocsp.CertID{ocsp.NewCertID(crypto.SHA1, l.issuer, newSerial(t))}, Nonce: []byte{0}},
		"nonce of 128": {
			CertIDs: []ocsp.CertID{ocsp.NewCertID(crypto.SHA1, l.issuer, newSerial(t))},
			Nonce:   bytes.Repeat([]byte{7}, 128),
		},
		"sixteen": {CertIDs: ids(t, l, 16)},
	} {
		t.Run(name, func(t *testing.T) {
			again, err := ocsp.ParseRequest(r.Marshal())
			if err != nil || !again.Equal(r) {
				t.Errorf("%+v is read back as %+v, %v", r, again, err)
			}
		})
	}
}

func ids(t testing.TB, l *lab, n int) (list []ocsp.CertID) {
	for range n {
		list = append(list, ocsp.NewCertID(crypto.SHA1, l.issuer, newSerial(t)))
	}
	return list
}

// malformedRequests are as many ways to be wrong, beside random ones.
func malformedRequests(t testing.TB, l *lab) map[string][]byte {
	one := func() ocsp.CertID { return ocsp.NewCertID(crypto.SHA1, l.issuer, newSerial(t)) }
	raw := func(change func(*ocsp.CertID)) []byte {
		id := one()
		id.Raw = nil
		change(&id)
		return (&ocsp.Request{CertIDs: []ocsp.CertID{id}}).Marshal()
	}
	good := (&ocsp.Request{CertIDs: []ocsp.CertID{one()}}).Marshal()
	withNonce := (&ocsp.Request{CertIDs: []ocsp.CertID{one()}, Nonce: []byte{1, 2, 3}}).Marshal()
	nonceOID := []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2}
	return map[string][]byte{
		"empty":               {},
		"text":                []byte("GET / HTTP/1.1"),
		"no certID":           (&ocsp.Request{}).Marshal(),
		"seventeen":           (&ocsp.Request{CertIDs: ids(t, l, 17)}).Marshal(),
		"too large":           (&ocsp.Request{CertIDs: ids(t, l, 60)}).Marshal(),
		"cut":                 good[:len(good)-1],
		"trailing":            append(bytes.Clone(good), 0),
		"nonce of 129":        (&ocsp.Request{CertIDs: []ocsp.CertID{one()}, Nonce: make([]byte, 129)}).Marshal(),
		"nonce of 0":          (&ocsp.Request{CertIDs: []ocsp.CertID{one()}, Nonce: []byte{}}).Marshal(),
		"nonce of two values": append(bytes.Clone(withNonce[:len(withNonce)-1]), 3, 0),
		"short hash":          raw(func(id *ocsp.CertID) { id.NameHash = id.NameHash[:19] }),
		"long hash":           raw(func(id *ocsp.CertID) { id.KeyHash = append(bytes.Clone(id.KeyHash), 1) }),
		"no serial":           raw(func(id *ocsp.CertID) { id.Serial = nil }),
		"padded serial":       raw(func(id *ocsp.CertID) { id.Serial = []byte{0, 1} }),
		"long serial":         raw(func(id *ocsp.CertID) { id.Serial = bytes.Repeat([]byte{1}, 33) }),
		"unknown critical":    bytes.Replace(critical(withNonce), nonceOID, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 99}, 1),
	}
}

// critical inserts BOOLEAN TRUE into the one extension of a request.
func critical(request []byte) []byte {
	oid := []byte{6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2}
	at := bytes.Index(request, oid)
	out := append(bytes.Clone(request[:at+len(oid)]), 1, 1, 0xff)
	out = append(out, request[at+len(oid):]...)
	// Lengths around it: request, tbsRequest, [2], Extensions, Extension; all are short.
	for _, i := range []int{1, 3, at - 5, at - 3, at - 1} {
		out[i] += 3
	}
	return out
}

func TestParseRequestRefuses(t *testing.T) {
	l := newLab(t, nil)
	for name, der := range malformedRequests(t, l) {
		t.Run(name, func(t *testing.T) {
			if r, err := ocsp.ParseRequest(der); !errors.Is(err, ocsp.ErrMalformed) {
				t.Errorf("ParseRequest = %+v, %v; want ErrMalformed", r, err)
			}
			response, err := l.Respond(t.Context(), der)
			if !errors.Is(err, ocsp.ErrMalformed) || !bytes.Equal(response.DER, ocsp.MalformedRequest()) || response.Cacheable {
				t.Errorf("the answer is %x, %v; want malformedRequest", response.DER, err)
			}
		})
	}
	nonce := (&ocsp.Request{CertIDs: ids(t, l, 1), Nonce: []byte{1}}).Marshal()
	if r, err := ocsp.ParseRequest(critical(nonce)); err != nil || len(r.Nonce) != 1 {
		t.Errorf("a critical nonce: %+v, %v", r, err)
	}
	ignored := bytes.Replace(nonce, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2}, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 99}, 1)
	if r, err := ocsp.ParseRequest(ignored); err != nil || r.Nonce != nil {
		t.Errorf("an unknown extension that is not critical: %+v, %v", r, err)
	}
}

func FuzzParseRequest(f *testing.F) {
	l := newLab(f, nil)
	f.Add(l.request(nil, newSerial(f)))
	f.Add(l.request([]byte{1, 2, 3}, newSerial(f), newSerial(f)))
	for _, der := range malformedRequests(f, l) {
		f.Add(der)
	}
	f.Add(opensslRequest(f, l, newSerial(f).Int()))
	for _, p := range payload.OCSPRequests(l.issuer.Certificate(), []byte{1, 2, 3}) {
		f.Add(p.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := ocsp.ParseRequest(der)
		if err != nil {
			if !errors.Is(err, ocsp.ErrMalformed) {
				t.Errorf("error without the sentinel: %v", err)
			}
			return
		}
		again, err := ocsp.ParseRequest(r.Marshal())
		if err != nil || !again.Equal(r) {
			t.Errorf("%x is read as %+v, and that as %+v, %v", der, r, again, err)
		}
	})
}
