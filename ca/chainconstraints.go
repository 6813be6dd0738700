package ca

import (
	"crypto/x509"
	"encoding/asn1"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// checkConstraints finds what a CA forbids under it that Touchmark must issue.
// An anchor's policy constraints are not processed (RFC 5280, section 6.1);
// its name constraints are by some programs.
func (r *chainReport) checkConstraints(cert *x509.Certificate, below int, isAnchor bool) {
	r.checkNames(cert)
	if !isAnchor {
		r.checkPolicies(cert, below)
	}
	for _, id := range cert.UnhandledCriticalExtensions {
		if !id.Equal(oidNameConstraints()) {
			r.add(FaultCriticalExtension, "%q has the critical extension %s, which programs that do not know it must refuse; have it issued again without it", cert.Subject, id)
		}
	}
}

func oidNameConstraints() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 30} }

// checkNames follows RFC 5280, section 4.2.1.10.
func (r *chainReport) checkNames(cert *x509.Certificate) {
	const again = "; have it issued again without that constraint"
	if len(cert.PermittedURIDomains)+len(cert.ExcludedURIDomains) > 0 {
		r.add(FaultNameConstraints, "%q has name constraints on URIs. They apply to the host in a URI, and a device's URN (urn:dev:ops:%d-…) has none, so that programs must refuse every device%s", cert.Subject, r.PEN, again)
	}
	permitted, excluded, ok := directoryConstraints(cert)
	if !ok {
		r.add(FaultNameConstraints, "%q has name constraints that cannot be read%s", cert.Subject, again)
	}
	if len(permitted) > 0 && !slices.ContainsFunc(permitted, isEmptyName) {
		r.add(FaultNameConstraints, "%q permits only subjects under a directory name that a device's subject (CN and serialNumber) is not under%s", cert.Subject, again)
	}
	if slices.ContainsFunc(excluded, isEmptyName) {
		r.add(FaultNameConstraints, "%q excludes every subject by a directory name constraint%s", cert.Subject, again)
	}
	if r.NoListeners {
		return
	}
	for _, name := range r.ServerNames {
		if !permitsServer(cert, name) {
			r.add(FaultNameConstraints, "%q has name constraints that exclude %q, the name of a listener%s", cert.Subject, name, again)
		}
	}
}

// checkPolicies follows RFC 5280, section 4.2.1.11: certificates made here
// carry no policies, so that none may be required at the end of the path. Each
// certificate after this one counts the number down.
func (r *chainReport) checkPolicies(cert *x509.Certificate, below int) {
	present := cert.RequireExplicitPolicy > 0 || cert.RequireExplicitPolicyZero
	if present && cert.RequireExplicitPolicy <= below+1 {
		r.add(FaultPolicyConstraints, "%q requires a certificate policy under it (policyConstraints, requireExplicitPolicy), and device certificates carry none; have it issued again without that constraint", cert.Subject)
	}
}

func permitsServer(cert *x509.Certificate, name string) bool {
	if ip := net.ParseIP(name); ip != nil {
		holds := func(n *net.IPNet) bool { return n.Contains(ip) }
		return (len(cert.PermittedIPRanges) == 0 || slices.ContainsFunc(cert.PermittedIPRanges, holds)) &&
			!slices.ContainsFunc(cert.ExcludedIPRanges, holds)
	}
	under := func(domain string) bool { return isUnderDomain(name, domain) }
	return (len(cert.PermittedDNSDomains) == 0 || slices.ContainsFunc(cert.PermittedDNSDomains, under)) &&
		!slices.ContainsFunc(cert.ExcludedDNSDomains, under)
}

// isUnderDomain: any name made by adding labels on the left satisfies a DNS
// constraint; a leading dot, which many write, means that one must be added.
func isUnderDomain(name, domain string) bool {
	name, domain = strings.ToLower(name), strings.ToLower(domain)
	bare := strings.TrimPrefix(domain, ".")
	return domain == "" || name == domain || strings.HasSuffix(name, "."+bare)
}

func isEmptyName(rdns []byte) bool { return len(rdns) == 0 }

// directoryConstraints returns the directory names, as the content of their
// RDNSequence, that are permitted and excluded. crypto/x509 does not read them.
func directoryConstraints(cert *x509.Certificate) (permitted, excluded [][]byte, ok bool) {
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(oidNameConstraints()) {
			continue
		}
		input := cryptobyte.String(ext.Value)
		var constraints, first, second cryptobyte.String
		var hasFirst, hasSecond bool
		if !input.ReadASN1(&constraints, cbasn1.SEQUENCE) ||
			!constraints.ReadOptionalASN1(&first, &hasFirst, contextTag(0)) ||
			!constraints.ReadOptionalASN1(&second, &hasSecond, contextTag(1)) {
			return nil, nil, false
		}
		var okFirst, okSecond bool
		permitted, okFirst = directoryNames(first)
		excluded, okSecond = directoryNames(second)
		return permitted, excluded, okFirst && okSecond
	}
	return nil, nil, true
}

func directoryNames(subtrees cryptobyte.String) (list [][]byte, ok bool) {
	for !subtrees.Empty() {
		var subtree, name, rdns cryptobyte.String
		var tag cbasn1.Tag
		if !subtrees.ReadASN1(&subtree, cbasn1.SEQUENCE) || !subtree.ReadAnyASN1(&name, &tag) {
			return nil, false
		}
		if tag != contextTag(4) { // directoryName, explicit because Name is a CHOICE
			continue
		}
		if !name.ReadASN1(&rdns, cbasn1.SEQUENCE) {
			return nil, false
		}
		list = append(list, rdns)
	}
	return list, true
}
