// Package certstest is a corporate PKI for tests, in process: a root, the
// intermediates that it signs for certificate requests, with every option that
// a corporate PKI may get wrong, and requests as devices make them. It is built
// on crypto/x509 alone and never on package ca, so that the two check each
// other. Only tests import it.
//
// It also runs the tools that certificates must please: [LintCertificate] and
// [LintCRL] (zlint), [OpenSSL] and [CertTool] (GnuTLS). A tool that is not
// installed fails the test.
//
// The golden files of every kind of certificate, CRL and OCSP answer are under
// testdata/golden; go test ./certs-test -update writes them anew.
package certstest
