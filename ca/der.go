package ca

import (
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Extensions of CRLs and their entries (RFC 5280, sections 5.2 and 5.3).
const (
	oidReasonCode               = 21
	oidCRLNumber                = 20
	oidIssuingDistributionPoint = 28
	oidAuthorityKeyID           = 35
)

// addExtension adds an Extension (RFC 5280, section 4.1.2.9) of the arc id-ce,
// 2.5.29.
func addExtension(b *cryptobyte.Builder, id int, critical bool, value func(*cryptobyte.Builder)) {
	addExtensionOf(b, asn1.ObjectIdentifier{2, 5, 29, id}, critical, value)
}

// addExtensionOf adds an Extension of any arc.
func addExtensionOf(b *cryptobyte.Builder, id asn1.ObjectIdentifier, critical bool, value func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1(cbasn1.OCTET_STRING, value)
	})
}

// addKeyID adds an AuthorityKeyIdentifier with its first field alone (RFC 5280,
// section 4.2.1.1).
func addKeyID(b *cryptobyte.Builder, id []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(id) })
	})
}

// addTime adds a Time: UTCTime through 2049, GeneralizedTime from then on
// (RFC 5280, section 4.1.2.5).
func addTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC().Truncate(time.Second)
	if t.Year() >= 1950 && t.Year() < 2050 {
		b.AddASN1UTCTime(t)
		return
	}
	b.AddASN1GeneralizedTime(t)
}

// contextTag is the tag [n] around a constructed value.
func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// derHeader returns tag and length of a value of up to 4 GiB.
func derHeader(tag cbasn1.Tag, length int) []byte {
	if length < 0x80 {
		return []byte{byte(tag), byte(length)}
	}
	octets := 1
	for length>>(8*octets) != 0 {
		octets++
	}
	header := []byte{byte(tag), 0x80 | byte(octets)}
	for octets--; octets >= 0; octets-- {
		header = append(header, byte(length>>(8*octets)))
	}
	return header
}
