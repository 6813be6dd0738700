package ca_test

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// returned is what a corporate PKI returned for an issuing key.
type returned struct {
	pki *certstest.PKI
	key crypto.Signer
}

func (r returned) check(chain ...*x509.Certificate) ca.ChainCheck {
	return ca.ChainCheck{
		Chain: chain, Anchor: r.pki.Cert, PublicKey: r.key.Public(), LongestLifetime: 365 * 24 * time.Hour, Now: r.pki.Now,
		PEN: 32473, ServerNames: []string{"localhost", "127.0.0.1"},
	}
}

// issuing is a certificate for the issuing key, wrong in some way.
func (r returned) issuing(t *testing.T, o certstest.Options) *x509.Certificate {
	t.Helper()
	return r.pki.Issue(t, r.key.Public(), o)
}

func edit(change func(*x509.Certificate)) certstest.Options { return certstest.Options{Edit: change} }

func codes(faults []ca.Fault) []string {
	var list []string
	for _, f := range faults {
		list = append(list, f.Code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestGoodChains(t *testing.T) {
	r := returned{certstest.New(t), certstest.Key(t, certstest.P256)}
	policy := r.pki.Intermediate(t, certstest.Options{CommonName: "Policy CA", PathLen: 1})
	below := r.issuing(t, certstest.Options{Parent: policy})
	allUsages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageOCSPSigning}
	for name, c := range map[string]ca.ChainCheck{
		"direct":            r.check(r.issuing(t, certstest.Options{})),
		"with the anchor":   r.check(r.issuing(t, certstest.Options{}), r.pki.Cert),
		"through a CA":      r.check(below, policy.Cert),
		"the whole path":    r.check(below, policy.Cert, r.pki.Cert),
		"no path length":    r.check(r.issuing(t, certstest.Options{PathLen: certstest.NoPathLen})),
		"no key ids":        r.check(r.issuing(t, certstest.Options{NoSubjectKeyID: true, NoAuthorityKeyID: true})),
		"all usages":        r.check(r.issuing(t, certstest.Options{ExtKeyUsages: allUsages})),
		"any usage":         r.check(r.issuing(t, certstest.Options{ExtKeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})),
		"email constraints": r.check(r.issuing(t, edit(func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"example.com"} }))),
		"fitting DNS and IP": r.check(r.issuing(t, edit(func(c *x509.Certificate) {
			c.PermittedDNSDomains = []string{"localhost"}
			c.PermittedIPRanges = []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}}
		}))),
		"policy far below": r.check(r.issuing(t, edit(explicitPolicy(2)))),
	} {
		t.Run(name, func(t *testing.T) {
			if faults := ca.CheckChain(c); len(faults) > 0 {
				t.Errorf("faults in a good chain: %v", faults)
			}
		})
	}
}

func TestFaultsOfTheIssuingCertificate(t *testing.T) {
	r := returned{certstest.New(t), certstest.Key(t, certstest.P256)}
	for name, test := range map[string]struct {
		options certstest.Options
		code    string
		word    string
	}{
		"not a CA":            {certstest.Options{NotCA: true}, ca.FaultNotCA, "cA TRUE"},
		"no certSign":         {certstest.Options{KeyUsage: x509.KeyUsageCRLSign}, ca.FaultKeyUsage, "keyCertSign"},
		"no cRLSign":          {certstest.Options{KeyUsage: x509.KeyUsageCertSign}, ca.FaultKeyUsage, "cRLSign"},
		"no key usage":        {certstest.Options{NoKeyUsage: true}, ca.FaultKeyUsage, "keyCertSign and cRLSign"},
		"no clientAuth":       {certstest.Options{ExtKeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageOCSPSigning}}, ca.FaultExtendedKeyUsage, "clientAuth"},
		"no OCSPSigning":      {certstest.Options{ExtKeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, ca.FaultExtendedKeyUsage, "OCSPSigning"},
		"no serverAuth":       {certstest.Options{ExtKeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning, x509.ExtKeyUsageClientAuth}}, ca.FaultExtendedKeyUsage, "serverAuth"},
		"unknown usage alone": {edit(func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}} }), ca.FaultExtendedKeyUsage, "clientAuth"},
		"permitted URI":       {edit(func(c *x509.Certificate) { c.PermittedURIDomains = []string{"example.com"} }), ca.FaultNameConstraints, "urn:dev:ops:32473"},
		"excluded URI":        {edit(func(c *x509.Certificate) { c.ExcludedURIDomains = []string{"evil.example"} }), ca.FaultNameConstraints, "urn:dev:ops:32473"},
		"other DNS":           {edit(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{".example.com"} }), ca.FaultNameConstraints, "localhost"},
		"excluded DNS":        {edit(func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"localhost"} }), ca.FaultNameConstraints, "localhost"},
		"excluded IP": {edit(func(c *x509.Certificate) {
			c.ExcludedIPRanges = []*net.IPNet{{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}}
		}), ca.FaultNameConstraints, "127.0.0.1"},
		"other directory":    {edit(directoryConstraint(0, pkix.Name{Organization: []string{"Example Corp"}})), ca.FaultNameConstraints, "directory name"},
		"excluded directory": {edit(directoryConstraint(1, pkix.Name{})), ca.FaultNameConstraints, "excludes every subject"},
		"policy required":    {edit(explicitPolicy(0)), ca.FaultPolicyConstraints, "requireExplicitPolicy"},
		"policy one below":   {edit(explicitPolicy(1)), ca.FaultPolicyConstraints, "requireExplicitPolicy"},
		"critical extension": {edit(unknownCritical), ca.FaultCriticalExtension, "1.2.3.4"},
		"not yet valid":      {certstest.Options{NotBefore: r.pki.Now.Add(time.Hour)}, ca.FaultNotYetValid, "not valid before"},
		"expired":            {certstest.Options{NotAfter: r.pki.Now}, ca.FaultExpired, "expired"},
		"too short":          {certstest.Options{NotAfter: r.pki.Now.Add(364 * 24 * time.Hour)}, ca.FaultValidityTooShort, "longest profile"},
		"other authority":    {certstest.Options{AuthorityKeyID: []byte{1, 2, 3}}, ca.FaultAuthorityKeyID, "010203"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := ca.CheckChain(r.check(r.issuing(t, test.options)))
			if !slices.Equal(codes(faults), []string{test.code}) {
				t.Fatalf("faults are %v, want %s alone", faults, test.code)
			}
			if !strings.Contains(faults[0].Message, test.word) {
				t.Errorf("the message does not say %q: %s", test.word, faults[0])
			}
		})
	}
}

func directoryConstraint(tag int, name pkix.Name) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		directory, _ := asn1.Marshal(name.ToRDNSequence())
		base, _ := asn1.Marshal(asn1.RawValue{Class: 2, Tag: 4, IsCompound: true, Bytes: directory})
		subtree, _ := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: base})
		list, _ := asn1.Marshal(asn1.RawValue{Class: 2, Tag: tag, IsCompound: true, Bytes: subtree})
		value, _ := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: list})
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{2, 5, 29, 30}, Critical: true, Value: value})
	}
}

// explicitPolicy is PolicyConstraints { requireExplicitPolicy [0] skip }.
func explicitPolicy(skip byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{2, 5, 29, 36}, Critical: true, Value: []byte{0x30, 3, 0x80, 1, skip}})
	}
}

func unknownCritical(c *x509.Certificate) {
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
}

func TestFaultsOfTheChain(t *testing.T) {
	r := returned{certstest.New(t), certstest.Key(t, certstest.P256)}
	other := certstest.New(t)
	policy := r.pki.Intermediate(t, certstest.Options{CommonName: "Policy CA", PathLen: 1})
	narrow := r.pki.Intermediate(t, certstest.Options{CommonName: "Narrow CA", PathLen: 0})
	impostor := other.Intermediate(t, certstest.Options{CommonName: "Policy CA", PathLen: 1})
	direct, below := r.issuing(t, certstest.Options{}), r.issuing(t, certstest.Options{Parent: policy})
	rsaRoot := certstest.NewAt(t, time.Now(), certstest.Key(t, certstest.RSA1024))
	weakKey := certstest.Key(t, certstest.RSA1024)

	with := func(c ca.ChainCheck, change func(*ca.ChainCheck)) ca.ChainCheck {
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		check ca.ChainCheck
		codes []string
	}{
		"empty":             {r.check(), []string{ca.FaultChainEmpty}},
		"no anchor":         {with(r.check(direct), func(c *ca.ChainCheck) { c.Anchor = nil }), []string{ca.FaultAnchorMissing, ca.FaultChainIncomplete}},
		"the root returned": {r.check(r.pki.Cert), []string{ca.FaultAnchorMismatch, ca.FaultKeyMismatch}},
		"another key":       {r.check(policy.Cert), []string{ca.FaultKeyMismatch}},
		"root first":        {r.check(r.pki.Cert, direct), []string{ca.FaultChainOrder}},
		"swapped":           {r.check(policy.Cert, below), []string{ca.FaultChainOrder}},
		"repeated":          {r.check(below, policy.Cert, below), []string{ca.FaultChainOrder}},
		"missing link":      {r.check(below), []string{ca.FaultChainIncomplete}},
		"missing link with root": {
			r.check(below, r.pki.Cert),
			[]string{ca.FaultChainIncomplete},
		},
		"forged link":     {r.check(below, impostor.Cert), []string{ca.FaultChainExtra, ca.FaultChainSignature}},
		"stranger":        {r.check(direct, policy.Cert), []string{ca.FaultChainExtra}},
		"another root":    {with(r.check(direct), func(c *ca.ChainCheck) { c.Anchor = other.Cert }), []string{ca.FaultAnchorMismatch}},
		"ends in another": {with(r.check(direct, r.pki.Cert), func(c *ca.ChainCheck) { c.Anchor = impostor.Cert }), []string{ca.FaultAnchorMismatch, ca.FaultPathLength}},
		"path too long":   {r.check(r.issuing(t, certstest.Options{Parent: narrow}), narrow.Cert), []string{ca.FaultPathLength}},
		"weak root":       {with(r.check(rsaRoot.Issue(t, r.key.Public(), certstest.Options{})), func(c *ca.ChainCheck) { c.Anchor = rsaRoot.Cert }), []string{ca.FaultWeakKey}},
		"weak issuing key": {
			with(r.check(r.pki.Issue(t, weakKey.Public(), certstest.Options{})), func(c *ca.ChainCheck) { c.PublicKey = weakKey.Public() }),
			[]string{ca.FaultWeakKey},
		},
		"SHA-1":              {sha1Chain(t), []string{ca.FaultSignatureAlgorithm}},
		"anchor expires":     {with(r.check(direct), func(c *ca.ChainCheck) { c.LongestLifetime = 11 * 8766 * time.Hour }), []string{ca.FaultValidityTooShort}},
		"listener elsewhere": {with(r.check(r.issuing(t, edit(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"x.example"} }))), func(c *ca.ChainCheck) { c.NoListeners = true }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			faults := ca.CheckChain(test.check)
			if !slices.Equal(codes(faults), test.codes) {
				t.Errorf("faults are %v, want %v", faults, test.codes)
			}
		})
	}
}

// sha1Chain is made by openssl, for crypto/x509 refuses to.
func sha1Chain(t *testing.T) ca.ChainCheck {
	t.Helper()
	pki := certstest.NewAt(t, time.Now(), certstest.Key(t, certstest.RSA2048))
	keyDER, err := x509.MarshalPKCS8PrivateKey(pki.Key)
	if err != nil {
		t.Fatal(err)
	}
	rootKey := certstest.File(t, "root.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	root := certstest.File(t, "root.pem", ca.EncodeCertificatesPEM(pki.Cert.Raw))
	extensions := certstest.File(t, "ext.cnf", []byte("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"))
	key := certstest.Key(t, certstest.P256)
	csr := certstest.File(t, "csr.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: certstest.CSR(t, key, "Old CA")}))
	out := certstest.OpenSSL(t, nil, "x509", "-req", "-sha1", "-in", csr, "-CA", root, "-CAkey", rootKey, "-set_serial", "7", "-days", "1000", "-extfile", extensions)
	certs, err := ca.ParseCertificatesPEM([]byte(out[strings.Index(out, "-----BEGIN"):]), 1)
	if err != nil {
		t.Fatal(err)
	}
	return ca.ChainCheck{Chain: certs, Anchor: pki.Cert, PublicKey: key.Public(), LongestLifetime: time.Hour, Now: time.Now()}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	r := returned{certstest.New(t), certstest.Key(t, certstest.P256)}
	bad := r.issuing(t, certstest.Options{
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, NotAfter: r.pki.Now.Add(time.Hour),
		AuthorityKeyID: []byte{1, 2, 3}, Edit: func(c *x509.Certificate) {
			c.ExcludedURIDomains = []string{"evil.example"}
			unknownCritical(c)
		},
	})
	check := r.check(bad, certstest.New(t).Cert)
	check.PublicKey = certstest.Key(t, certstest.P256).Public()
	want := []string{
		ca.FaultAuthorityKeyID, ca.FaultChainExtra, ca.FaultCriticalExtension, ca.FaultExtendedKeyUsage, ca.FaultKeyMismatch, ca.FaultKeyUsage,
		ca.FaultNameConstraints, ca.FaultValidityTooShort,
	}
	if got := codes(ca.CheckChain(check)); !slices.Equal(got, want) {
		t.Errorf("faults are %v, want %v", got, want)
	}
}

func TestCARequest(t *testing.T) {
	for _, kind := range []certstest.KeyKind{certstest.P256, certstest.P384, certstest.RSA3072, certstest.Ed25519} {
		t.Run(string(kind), func(t *testing.T) {
			key := certstest.Key(t, kind)
			request, err := ca.NewCARequest(key, "Example Device CA 1", "Example Corp")
			if err != nil {
				t.Fatal(err)
			}
			text := certstest.OpenSSL(t, request, "req", "-verify", "-noout", "-text")
			for _, want := range []string{"CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "Example Device CA 1", "Example Corp"} {
				if !strings.Contains(text, want) {
					t.Errorf("openssl does not show %q:\n%s", want, text)
				}
			}
			certstest.CertTool(t, request, "--crq-info")

			pki := certstest.New(t)
			block, _ := pem.Decode(request)
			cert := pki.IssueForRequest(t, block.Bytes, certstest.Options{})
			if faults := ca.CheckChain(returned{pki, key}.check(cert)); len(faults) > 0 {
				t.Errorf("what the corporate PKI returned has faults: %v", faults)
			}
		})
	}
	good := certstest.Key(t, certstest.P256)
	for name, test := range map[string]struct {
		signer  crypto.Signer
		cn, org string
	}{
		"no name": {good, "", "Example Corp"}, "long name": {good, strings.Repeat("x", 65), ""}, "long organisation": {good, "x", strings.Repeat("x", 65)},
		"weak key": {certstest.Key(t, certstest.RSA1024), "x", ""},
	} {
		if _, err := ca.NewCARequest(test.signer, test.cn, test.org); err == nil {
			t.Errorf("%s: a request was made", name)
		}
	}
}
