package ca_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// kind is one kind of certificate that is issued.
type kind struct {
	name    string
	profile ca.ProfileConfig
	subject ca.Subject
	key     certstest.KeyKind
	issuer  certstest.KeyKind
}

func kinds() []kind {
	list := []kind{
		{"expiry alone", ca.ProfileConfig{NoRevAvail: true}, thermometer(), certstest.P256, certstest.P256},
		{"four years", ca.ProfileConfig{Lifetime: 4 * 8766 * time.Hour}, thermometer(), certstest.P256, certstest.P256},
		{"id too long for CN", ca.ProfileConfig{}, ca.Subject{
			CommonName: strings.Repeat("m", 32) + "-" + strings.Repeat("s", 64), SerialNumber: strings.Repeat("s", 64),
			URIs: []string{"urn:dev:ops:32473-" + strings.Repeat("m", 32) + "-" + strings.Repeat("s", 64)},
		}, certstest.P256, certstest.P256},
		{"server", ca.ProfileConfig{Purpose: ca.PurposeServer}, listener(), certstest.P256, certstest.P256},
		{"server without CN", ca.ProfileConfig{Purpose: ca.PurposeServer}, ca.Subject{IPs: []net.IP{net.IPv4(127, 0, 0, 1)}}, certstest.RSA2048, certstest.P256},
		{"OCSP responder", ca.ProfileConfig{Purpose: ca.PurposeOCSPResponder}, responder(), certstest.P256, certstest.P256},
	}
	for _, key := range []certstest.KeyKind{certstest.P256, certstest.P384, certstest.P521, certstest.RSA2048, certstest.Ed25519} {
		list = append(list, kind{"device " + string(key), ca.ProfileConfig{}, thermometer(), key, certstest.P256})
	}
	for _, key := range []certstest.KeyKind{certstest.P384, certstest.P521, certstest.RSA2048, certstest.Ed25519} {
		list = append(list, kind{"under " + string(key), ca.ProfileConfig{}, thermometer(), certstest.P256, key})
	}
	return list
}

// exceptions are the rules of zlint that a kind breaks on purpose: RFC 5280,
// section 4.2.1.12, calls digitalSignature and keyAgreement consistent with
// clientAuth, and does not name keyEncipherment, which RSA devices need for
// renewing by SCEP (RFC 8894, section 2.3).
func (k kind) exceptions() []string {
	if k.key == certstest.RSA2048 && k.profile.Purpose == "" {
		return []string{"e_key_usage_and_extended_key_usage_inconsistent"}
	}
	return nil
}

func TestEveryKindOfCertificatePleasesZlintOpenSSLAndGnuTLS(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := newCorporate(t, k.issuer)
			signed := c.issue(t, profile(t, k.profile), certstest.Key(t, k.key).Public(), k.subject)

			certstest.LintCertificate(t, signed.DER, k.exceptions()...)
			text := certstest.OpenSSL(t, signed.DER, "x509", "-inform", "DER", "-noout", "-text")
			if !strings.Contains(strings.ReplaceAll(text, ":", ""), signed.Serial.String()) {
				t.Errorf("openssl shows another serial number:\n%s", text)
			}
			certstest.CertTool(t, signed.DER, "--certificate-info", "--inder")
			c.verify(t, signed.DER)
		})
	}
}

// verify has crypto/x509, openssl and certtool build the path.
func (c corporate) verify(t *testing.T, der []byte) {
	t.Helper()
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(c.Cert)
	intermediates.AddCert(c.issuer.Certificate())
	options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: c.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := parse(t, der).Verify(options); err != nil {
		t.Errorf("crypto/x509: %v", err)
	}
	root := certstest.File(t, "root.pem", ca.EncodeCertificatesPEM(c.Cert.Raw))
	issuing := certstest.File(t, "issuing.pem", ca.EncodeCertificatesPEM(c.issuer.Certificate().Raw))
	leaf := certstest.File(t, "leaf.pem", ca.EncodeCertificatesPEM(der))
	certstest.OpenSSL(t, nil, "verify", "-x509_strict", "-CAfile", root, "-untrusted", issuing, leaf)
	certstest.CertTool(t, ca.EncodeCertificatesPEM(der, c.issuer.Certificate().Raw), "--verify", "--load-ca-certificate", root)
}

func TestDeviceCertificate(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	key := certstest.Key(t, certstest.RSA2048)
	signed := c.issue(t, profile(t, ca.ProfileConfig{Name: "sensor"}), key.Public(), thermometer())
	cert := parse(t, signed.DER)

	if cert.Subject.CommonName != "TH20-SN1" || cert.Subject.SerialNumber != "SN1" || cert.URIs[0].String() != "urn:dev:ops:32473-TH20-SN1" {
		t.Errorf("names are %v, %v", cert.Subject, cert.URIs)
	}
	if cert.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment || !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) {
		t.Errorf("usages are %v, %v", cert.KeyUsage, cert.ExtKeyUsage)
	}
	if !cert.NotBefore.Equal(c.Now.Add(-time.Minute)) || !cert.NotAfter.Equal(c.Now.Add(24*time.Hour)) {
		t.Errorf("good from %s to %s at %s", cert.NotBefore, cert.NotAfter, c.Now)
	}
	if !slices.Equal(cert.CRLDistributionPoints, []string{c.issuer.CRLURL(signed.Shard)}) || !slices.Equal(cert.OCSPServer, []string{publicURL + "/ocsp"}) ||
		!slices.Equal(cert.IssuingCertificateURL, []string{publicURL + "/issuer/" + c.issuer.ID() + ".cer"}) {
		t.Errorf("addresses are %v, %v, %v", cert.CRLDistributionPoints, cert.OCSPServer, cert.IssuingCertificateURL)
	}
	hash, err := ca.HashKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	want := ca.Signed{
		DER: signed.DER, Serial: signed.Serial, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, IssuerID: c.issuer.ID(),
		Shard: ca.ShardFor(signed.Serial, 24*time.Hour, 0), KeyHash: hash, Profile: "sensor",
	}
	if signed.Serial.Int().Cmp(cert.SerialNumber) != 0 || signed.IssuerID != want.IssuerID || signed.Shard != want.Shard || signed.KeyHash != want.KeyHash ||
		signed.Profile != want.Profile || !signed.NotBefore.Equal(want.NotBefore) || !signed.NotAfter.Equal(want.NotAfter) {
		t.Errorf("Signed is %+v, want %+v", signed, want)
	}
	if !signed.Serial.NotAfter().Equal(cert.NotAfter) {
		t.Errorf("the serial number expires at %s, the certificate at %s", signed.Serial.NotAfter(), cert.NotAfter)
	}
}

func TestExtensionsThatDependOnTheProfile(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	key := certstest.Key(t, certstest.P256).Public()
	for name, test := range map[string]struct {
		profile ca.ProfileConfig
		subject ca.Subject
		has     []string
		lacks   []string
	}{
		"noRevAvail": {ca.ProfileConfig{NoRevAvail: true}, thermometer(), []string{"2.5.29.56", "1.3.6.1.5.5.7.1.1"}, []string{"2.5.29.31", "2.5.29.46"}},
		"responder":  {ca.ProfileConfig{Purpose: ca.PurposeOCSPResponder}, responder(), []string{"1.3.6.1.5.5.7.48.1.5"}, []string{"2.5.29.31", "2.5.29.17"}},
		"server":     {ca.ProfileConfig{Purpose: ca.PurposeServer}, listener(), []string{"2.5.29.31", "2.5.29.17"}, []string{"2.5.29.56"}},
	} {
		t.Run(name, func(t *testing.T) {
			signed := c.issue(t, profile(t, test.profile), key, test.subject)
			cert := parse(t, signed.DER)
			var ids []string
			for _, e := range cert.Extensions {
				ids = append(ids, e.Id.String())
				if e.Id.String() == "2.5.29.56" && (e.Critical || string(e.Value) != "\x05\x00") {
					t.Errorf("noRevAvail is critical %v, %x; RFC 9608 wants a NULL that is not", e.Critical, e.Value)
				}
			}
			for _, id := range test.has {
				if !slices.Contains(ids, id) {
					t.Errorf("extension %s is missing from %v", id, ids)
				}
			}
			for _, id := range test.lacks {
				if slices.Contains(ids, id) {
					t.Errorf("extension %s must not be there", id)
				}
			}
			if revocable := slices.Contains(ids, "2.5.29.31"); revocable != (len(cert.OCSPServer) > 0) || revocable != (signed.Shard != "") {
				t.Errorf("CRL %v, OCSP %v, shard %q", cert.CRLDistributionPoints, cert.OCSPServer, signed.Shard)
			}
		})
	}
}

func TestValidity(t *testing.T) {
	pki := certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	issuer := newIssuer(t, pki, key, certstest.Options{NotAfter: pki.Now.Add(12 * time.Hour)})
	day := profile(t, ca.ProfileConfig{})
	for name, test := range map[string]struct {
		now                 time.Time
		notBefore, notAfter time.Time
		err                 error
	}{
		"cut by the issuer":  {pki.Now.Add(999 * time.Millisecond), pki.Now.Add(-time.Minute), pki.Now.Add(12 * time.Hour), nil},
		"the last second":    {pki.Now.Add(12*time.Hour - time.Second), pki.Now.Add(12*time.Hour - time.Minute - time.Second), pki.Now.Add(12 * time.Hour), nil},
		"issuer expired":     {pki.Now.Add(12 * time.Hour), time.Time{}, time.Time{}, ca.ErrIssuerExpired},
		"issuer not yet":     {pki.Now.Add(-2 * time.Hour), time.Time{}, time.Time{}, ca.ErrIssuerExpired},
		"within the issuer":  {pki.Now.Add(-30 * time.Minute), pki.Now.Add(-31 * time.Minute), pki.Now.Add(12 * time.Hour), nil},
		"in another zone":    {pki.Now.In(time.FixedZone("", 3600)), pki.Now.Add(-time.Minute), pki.Now.Add(12 * time.Hour), nil},
		"far past the chain": {pki.Now.AddDate(20, 0, 0), time.Time{}, time.Time{}, ca.ErrIssuerExpired},
	} {
		t.Run(name, func(t *testing.T) {
			prepared, err := issuer.Prepare(day, certstest.Key(t, certstest.P256).Public(), thermometer(), nil, test.now, rand.Reader)
			if !errors.Is(err, test.err) {
				t.Fatalf("error is %v, want %v", err, test.err)
			}
			if err == nil && (!prepared.NotBefore().Equal(test.notBefore) || !prepared.NotAfter().Equal(test.notAfter)) {
				t.Errorf("good from %s to %s, want %s to %s", prepared.NotBefore(), prepared.NotAfter(), test.notBefore, test.notAfter)
			}
		})
	}
}

func TestPrepareRefuses(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	good := certstest.Key(t, certstest.P256).Public()
	device, server, ocsp := profile(t, ca.ProfileConfig{}), profile(t, ca.ProfileConfig{Purpose: ca.PurposeServer}), profile(t, ca.ProfileConfig{Purpose: ca.PurposeOCSPResponder})
	with := func(change func(*ca.Subject)) ca.Subject {
		s := thermometer()
		change(&s)
		return s
	}
	for name, test := range map[string]struct {
		profile ca.Profile
		key     crypto.PublicKey
		subject ca.Subject
		shard   ca.ShardID
		err     error
	}{
		"weak key":           {device, certstest.Key(t, certstest.RSA1024).Public(), thermometer(), "", ca.ErrWeakKey},
		"no profile":         {ca.Profile{}, good, thermometer(), "", nil},
		"no names":           {device, good, ca.Subject{}, "", ca.ErrSubject},
		"device without URI": {device, good, with(func(s *ca.Subject) { s.URIs = nil }), "", ca.ErrSubject},
		"relative URI":       {device, good, with(func(s *ca.Subject) { s.URIs = []string{"a/b"} }), "", ca.ErrSubject},
		"URI with a space":   {device, good, with(func(s *ca.Subject) { s.URIs = []string{"urn:dev:ops:1 2"} }), "", ca.ErrSubject},
		"URI not ASCII":      {device, good, with(func(s *ca.Subject) { s.URIs = []string{"urn:dev:ops:ä"} }), "", ca.ErrSubject},
		"long URI":           {device, good, with(func(s *ca.Subject) { s.URIs = []string{"urn:" + strings.Repeat("x", 600)} }), "", ca.ErrSubject},
		"many URIs":          {device, good, with(func(s *ca.Subject) { s.URIs = slices.Repeat(s.URIs, 65) }), "", ca.ErrSubject},
		"control character":  {device, good, with(func(s *ca.Subject) { s.CommonName = "a\x00b" }), "", ca.ErrSubject},
		"CN not UTF-8":       {device, good, with(func(s *ca.Subject) { s.CommonName = "a\xff" }), "", ca.ErrSubject},
		"serial with space":  {device, good, with(func(s *ca.Subject) { s.SerialNumber = "SN 1" }), "", ca.ErrSubject},
		"long serial":        {device, good, with(func(s *ca.Subject) { s.SerialNumber = strings.Repeat("1", 65) }), "", ca.ErrSubject},
		"server nameless":    {server, good, ca.Subject{CommonName: "x"}, "", ca.ErrSubject},
		"long server CN":     {server, good, ca.Subject{CommonName: strings.Repeat("x", 65), DNSNames: []string{"x"}}, "", ca.ErrSubject},
		"bad DNS name":       {server, good, ca.Subject{DNSNames: []string{"-x.example"}}, "", ca.ErrSubject},
		"empty label":        {server, good, ca.Subject{DNSNames: []string{"x..example"}}, "", ca.ErrSubject},
		"bad IP":             {server, good, ca.Subject{IPs: []net.IP{{1, 2, 3}}}, "", ca.ErrSubject},
		"responder with DNS": {ocsp, good, ca.Subject{CommonName: "x", DNSNames: []string{"x"}}, "", ca.ErrSubject},
		"another's shard":    {device, good, thermometer(), "0-1-0-0", nil},
		"no shard":           {device, good, thermometer(), "nonsense", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var choose ca.ShardChooser
			if test.shard != "" {
				choose = func(ca.Serial, time.Duration) ca.ShardID { return test.shard }
			}
			_, err := c.issuer.Prepare(test.profile, test.key, test.subject, choose, c.Now, rand.Reader)
			if err == nil || test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("error is %v, want %v", err, test.err)
			}
		})
	}
}

func TestShardIsChosen(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	choose := func(s ca.Serial, lifetime time.Duration) ca.ShardID { return ca.ShardFor(s, lifetime, 7) }
	prepared, err := c.issuer.Prepare(profile(t, ca.ProfileConfig{Lifetime: time.Hour}), certstest.Key(t, certstest.P256).Public(), thermometer(), choose, c.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if prepared.Shard().Bits() != 7 || !prepared.Shard().Contains(prepared.Serial()) {
		t.Errorf("shard is %s", prepared.Shard())
	}
}

func TestPreparedIsSignedOnce(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	prepare := func() *ca.Prepared {
		p, err := c.issuer.Prepare(profile(t, ca.ProfileConfig{}), certstest.Key(t, certstest.P256).Public(), thermometer(), nil, c.Now, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	prepared := prepare()
	results := make(chan error, 16)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() {
			_, err := c.issuer.Sign(context.Background(), prepared)
			results <- err
		})
	}
	all.Wait()
	close(results)
	signed := 0
	for err := range results {
		if err == nil {
			signed++
		} else if !errors.Is(err, ca.ErrSigned) {
			t.Errorf("error is %v, want ErrSigned", err)
		}
	}
	if signed != 1 {
		t.Errorf("signed %d times", signed)
	}

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.issuer.Sign(cancelled, prepare()); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	if _, err := newCorporate(t, certstest.P256).issuer.Sign(t.Context(), prepare()); err == nil {
		t.Error("another issuer signed it")
	}
	if _, err := c.issuer.Sign(t.Context(), nil); err == nil {
		t.Error("nothing was signed")
	}
}

func TestConcurrentIssuanceMakesDistinctCertificates(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	p, key := profile(t, ca.ProfileConfig{}), certstest.Key(t, certstest.P256).Public()
	serials := make(chan ca.Serial, 64)
	var all sync.WaitGroup
	for range cap(serials) {
		all.Go(func() {
			prepared, err := c.issuer.Prepare(p, key, thermometer(), nil, c.Now, rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			signed, err := c.issuer.Sign(context.Background(), prepared)
			if err != nil {
				t.Error(err)
				return
			}
			serials <- signed.Serial
		})
	}
	all.Wait()
	close(serials)
	seen := map[ca.Serial]bool{}
	for s := range serials {
		seen[s] = true
	}
	if len(seen) != cap(serials) {
		t.Errorf("%d serial numbers for %d certificates", len(seen), cap(serials))
	}
}

// brokenSigner returns wrong or no signatures.
type brokenSigner struct {
	crypto.Signer
	err error
}

func (b brokenSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	digest = slices.Clone(digest)
	digest[0] ^= 1
	return b.Signer.Sign(random, digest, opts)
}

func TestBrokenKeyIsNoticed(t *testing.T) {
	pki := certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	failure := errors.New("the HSM is on fire")
	for name, signer := range map[string]crypto.Signer{"wrong signature": brokenSigner{key, nil}, "error": brokenSigner{key, failure}} {
		t.Run(name, func(t *testing.T) {
			issuer := newIssuer(t, pki, signer, certstest.Options{})
			prepared, err := issuer.Prepare(profile(t, ca.ProfileConfig{}), certstest.Key(t, certstest.P256).Public(), thermometer(), nil, pki.Now, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := issuer.Sign(t.Context(), prepared); err == nil || name == "error" && !errors.Is(err, failure) {
				t.Errorf("certificate: error is %v", err)
			}
			crl := ca.CRLParams{Shard: "0-1-0-0", Number: 1, ThisUpdate: pki.Now, NextUpdate: pki.Now.Add(time.Hour)}
			if _, err := issuer.SignCRL(t.Context(), crl); err == nil || name == "error" && !errors.Is(err, failure) {
				t.Errorf("CRL: error is %v", err)
			}
		})
	}
}
