package ca

import (
	"encoding/asn1"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Kinds of GeneralName (RFC 5280, section 4.2.1.6).
const (
	nameDNS cbasn1.Tag = 2
	nameURI cbasn1.Tag = 6
	nameIP  cbasn1.Tag = 7
)

// Attributes of a subject, below id-at (RFC 5280, appendix A.1).
const (
	attributeCommonName   = 3
	attributeSerialNumber = 5
)

// alternative reports whether there are names for the subjectAltName.
func (n names) alternative() bool { return len(n.uris)+len(n.dnsNames)+len(n.ips) > 0 }

// nameless reports whether the subject is empty, so that the subjectAltName is
// all there is (RFC 5280, section 4.2.1.6).
func (n names) nameless() bool { return n.commonName == "" && n.serialNumber == "" }

// addSubject adds the RelativeDistinguishedNames of the subject.
func (n names) addSubject(b *cryptobyte.Builder) {
	addAttribute(b, attributeCommonName, n.commonName)
	addAttribute(b, attributeSerialNumber, n.serialNumber)
}

// addAttribute adds a RelativeDistinguishedName of one attribute, if it has a
// value: a PrintableString where that is enough, a UTF8String elsewhere.
func addAttribute(b *cryptobyte.Builder, id int, value string) {
	if value == "" {
		return
	}
	tag := cbasn1.PrintableString
	if strings.ContainsFunc(value, notPrintableString) {
		tag = cbasn1.UTF8String
	}
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 5, 4, id})
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
		})
	})
}

// notPrintableString tells what cannot stand in a PrintableString (X.680, section
// 41.4).
func notPrintableString(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune(" '()+,-./:=?", r)
}

// addAlternatives adds the GeneralNames of the subjectAltName.
func (n names) addAlternatives(b *cryptobyte.Builder) {
	for _, host := range n.dnsNames {
		addGeneralName(b, nameDNS, []byte(host))
	}
	for _, ip := range n.ips {
		addGeneralName(b, nameIP, ip)
	}
	for _, uri := range n.uris {
		addGeneralName(b, nameURI, []byte(uri.String()))
	}
}

func addGeneralName(b *cryptobyte.Builder, kind cbasn1.Tag, value []byte) {
	b.AddASN1(kind.ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(value) })
}
