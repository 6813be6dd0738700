package ca

import (
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Extensions of certificates (RFC 5280, section 4.2.1).
const (
	oidSubjectKeyID          = 14
	oidKeyUsage              = 15
	oidSubjectAltName        = 17
	oidBasicConstraints      = 19
	oidCRLDistributionPoints = 31
	oidExtKeyUsage           = 37
)

// form is what all certificates of one kind under one issuer have in common. It
// is encoded once, with the issuer.
type form struct {
	authority []byte // the fields signature and issuer
	purpose   []byte // extKeyUsage, basicConstraints
	addresses []byte // authorityKeyIdentifier, authorityInfoAccess
	status    []byte // noRevAvail, id-pkix-ocsp-nocheck: whatever stands for a CRL
}

// formsOf encodes the form of each kind.
func formsOf(i *Issuer) map[kind]form {
	encode := func(add func(*cryptobyte.Builder)) []byte {
		var b cryptobyte.Builder
		add(&b)
		return b.BytesOrPanic() // names and addresses are bounded
	}
	forms := map[kind]form{}
	for _, k := range []kind{{PurposeDevice, false}, {PurposeDevice, true}, {PurposeServer, false}, {PurposeOCSPResponder, false}} {
		p := &Prepared{issuer: i, profile: Profile{ProfileConfig{Purpose: k.purpose, NoRevAvail: k.noRevAvail}}}
		forms[k] = form{
			authority: encode(p.addAuthority), purpose: encode(p.addPurpose),
			addresses: encode(p.addAddresses), status: encode(p.addStatus),
		}
	}
	return forms
}

// encode writes the TBSCertificate (RFC 5280, section 4.1) that was decided,
// octet for octet as crypto/x509 would.
func (p *Prepared) encode() ([]byte, error) {
	f := p.issuer.forms[p.profile.kind()]
	b := cryptobyte.NewBuilder(make([]byte, 0, 1024))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) }) // version 3
		b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(p.serial[:]) })
		b.AddBytes(f.authority)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, p.notBefore)
			addTime(b, p.notAfter)
		})
		b.AddASN1(cbasn1.SEQUENCE, p.names.addSubject)
		b.AddBytes(p.spki)
		b.AddASN1(contextTag(3), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { p.addExtensions(b, f) })
		})
	})
	return b.Bytes()
}

func (p *Prepared) addExtensions(b *cryptobyte.Builder, f form) {
	addExtension(b, oidKeyUsage, true, p.addKeyUsage)
	b.AddBytes(f.purpose)
	addExtension(b, oidSubjectKeyID, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(p.keyID) })
	b.AddBytes(f.addresses)
	if p.names.alternative() {
		addExtension(b, oidSubjectAltName, p.names.nameless(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, p.names.addAlternatives)
		})
	}
	if address := p.crlURL(); address != "" {
		addExtension(b, oidCRLDistributionPoints, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addDistributionPoint(b, address) })
		})
	}
	b.AddBytes(f.status)
}

// addKeyUsage adds a BIT STRING without trailing zero bits (RFC 5280, section
// 4.2.1.3): digitalSignature is bit 0, keyEncipherment bit 2.
func (p *Prepared) addKeyUsage(b *cryptobyte.Builder) {
	if p.keyUsage()&x509.KeyUsageKeyEncipherment != 0 {
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes([]byte{5, 0xa0}) })
		return
	}
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes([]byte{7, 0x80}) })
}

func (p *Prepared) addAuthority(b *cryptobyte.Builder) {
	b.AddBytes(p.issuer.scheme.identifier)
	b.AddBytes(p.issuer.chain[0].RawSubject)
}

func (p *Prepared) addPurpose(b *cryptobyte.Builder) {
	addExtension(b, oidExtKeyUsage, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidPurpose(p.extKeyUsage())) })
	})
	addExtension(b, oidBasicConstraints, true, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {}) // cA is FALSE by default
	})
}

func (p *Prepared) addAddresses(b *cryptobyte.Builder) {
	addExtension(b, oidAuthorityKeyID, false, func(b *cryptobyte.Builder) { addKeyID(b, p.issuer.chain[0].SubjectKeyId) })
	ocsp, issuer := p.ocspURL(), p.certificateURL()
	if ocsp == "" && issuer == "" {
		return
	}
	addExtensionOf(b, oidAuthorityInfoAccess(), false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addAccess(b, 1, ocsp)   // id-ad-ocsp
			addAccess(b, 2, issuer) // id-ad-caIssuers
		})
	})
}

// addAccess adds an AccessDescription (RFC 5280, section 4.2.2.1), of a method
// below id-ad, where there is an address.
func addAccess(b *cryptobyte.Builder, method int, address string) {
	if address == "" {
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, method})
		addGeneralName(b, nameURI, []byte(address))
	})
}

func (p *Prepared) addStatus(b *cryptobyte.Builder) {
	if p.profile.NoRevAvail() {
		addExtensionOf(b, oidNoRevAvail(), false, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	}
	if p.profile.Purpose() == PurposeOCSPResponder {
		addExtensionOf(b, oidOCSPNoCheck(), false, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	}
}

// oidPurpose is a KeyPurposeId below id-kp (RFC 5280, section 4.2.1.12).
func oidPurpose(usage x509.ExtKeyUsage) asn1.ObjectIdentifier {
	arc := map[x509.ExtKeyUsage]int{x509.ExtKeyUsageServerAuth: 1, x509.ExtKeyUsageClientAuth: 2, x509.ExtKeyUsageOCSPSigning: 9}
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, arc[usage]}
}

// oidAuthorityInfoAccess is id-pe-authorityInfoAccess of RFC 5280, section 4.2.2.1.
func oidAuthorityInfoAccess() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
}

// oidNoRevAvail is id-ce-noRevAvail of RFC 9608, section 2.
func oidNoRevAvail() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 56} }

// oidOCSPNoCheck is id-pkix-ocsp-nocheck of RFC 6960, section 4.2.2.2.1.
func oidOCSPNoCheck() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
}
