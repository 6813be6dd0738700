package certstest

import (
	"slices"
	"testing"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// rfcLints are zlint's rules that come from RFCs. The others are those of the
// public web (CA/Browser Forum, browsers' root programs), which does not trust
// a corporate root.
func rfcLints(t testing.TB) lint.Registry {
	t.Helper()
	rules, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6962, lint.RFC8813},
	})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// LintCertificate fails the test for every rule of zlint that a certificate
// breaks, warnings and notices too, but those that the test excepts by name.
func LintCertificate(t testing.TB, der []byte, except ...string) {
	t.Helper()
	cert, err := zx509.ParseCertificate(der)
	if err != nil {
		t.Errorf("zlint cannot read the certificate: %v", err)
		return
	}
	report(t, zlint.LintCertificateEx(cert, rfcLints(t)), except)
}

// LintCRL is [LintCertificate] for a CRL.
func LintCRL(t testing.TB, der []byte, except ...string) {
	t.Helper()
	crl, err := zx509.ParseRevocationList(der)
	if err != nil {
		t.Errorf("zlint cannot read the CRL: %v", err)
		return
	}
	report(t, zlint.LintRevocationListEx(crl, rfcLints(t)), except)
}

func report(t testing.TB, results *zlint.ResultSet, except []string) {
	t.Helper()
	checked := 0
	for name, result := range results.Results {
		if result.Status >= lint.Pass {
			checked++
		}
		if result.Status > lint.Pass && !slices.Contains(except, name) {
			t.Errorf("zlint: %s: %s %s", result.Status, name, result.Details)
		}
	}
	if checked == 0 {
		t.Error("zlint had no rule for it")
	}
}
