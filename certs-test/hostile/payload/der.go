package payload

import (
	"bytes"
	"crypto/elliptic"
	"slices"
)

// Tags (X.690, section 8).
const (
	tagInteger   = 0x02
	tagBitString = 0x03
	tagOctets    = 0x04
	tagNull      = 0x05
	tagOID       = 0x06
	tagEnum      = 0x0a
	tagUTF8      = 0x0c
	tagPrintable = 0x13
	tagSequence  = 0x30
	tagSet       = 0x31
)

// context is the tag [n] around a constructed value.
func context(n byte) byte { return 0xa0 | n }

// tlv is a value in DER.
func tlv(tag byte, content ...[]byte) []byte {
	whole := bytes.Join(content, nil)
	return slices.Concat([]byte{tag}, length(len(whole)), whole)
}

func length(n int) []byte {
	if n < 0x80 {
		return []byte{byte(n)}
	}
	var octets []byte
	for ; n > 0; n >>= 8 {
		octets = append([]byte{byte(n)}, octets...)
	}
	return append([]byte{0x80 | byte(len(octets))}, octets...)
}

// oid encodes an object identifier whose arcs are below 2^28.
func oid(arcs ...int) []byte {
	content := []byte{byte(arcs[0]*40 + arcs[1])}
	for _, arc := range arcs[2:] {
		var digits []byte
		for first := true; first || arc > 0; first = false {
			digit := byte(arc & 0x7f)
			if !first {
				digit |= 0x80
			}
			digits = append([]byte{digit}, digits...)
			arc >>= 7
		}
		content = append(content, digits...)
	}
	return tlv(tagOID, content)
}

// integer is an INTEGER of these octets, as they are.
func integer(octets ...byte) []byte { return tlv(tagInteger, octets) }

// positive is an INTEGER of an unsigned number.
func positive(octets []byte) []byte {
	if len(octets) > 0 && octets[0] >= 0x80 {
		octets = append([]byte{0}, octets...)
	}
	return tlv(tagInteger, octets)
}

// bits is a BIT STRING of whole octets.
func bits(content []byte) []byte { return tlv(tagBitString, []byte{0}, content) }

// null is NULL.
func null() []byte { return tlv(tagNull) }

// nested is n SEQUENCEs within each other.
func nested(n int) (der []byte) {
	for range n {
		der = tlv(tagSequence, der)
	}
	return der
}

// indefinite writes the outermost value with the indefinite length of BER (X.690,
// section 8.1.3.6).
func indefinite(der []byte) []byte {
	skip := 2
	if der[1] >= 0x80 {
		skip += int(der[1] & 0x7f)
	}
	return slices.Concat([]byte{der[0], 0x80}, der[skip:], []byte{0, 0})
}

// longLength writes the outermost length in five octets where fewer would do, which
// DER forbids (X.690, section 10.1).
func longLength(der []byte) []byte {
	skip := 2
	if der[1] >= 0x80 {
		skip += int(der[1] & 0x7f)
	}
	n := len(der) - skip
	return slices.Concat([]byte{der[0], 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, der[skip:])
}

// Object identifiers that are used more than once.
func oidEC() []byte          { return oid(1, 2, 840, 10045, 2, 1) }
func oidP256() []byte        { return oid(1, 2, 840, 10045, 3, 1, 7) }
func oidRSA() []byte         { return oid(1, 2, 840, 113549, 1, 1, 1) }
func oidECDSASHA256() []byte { return oid(1, 2, 840, 10045, 4, 3, 2) }
func oidSHA1() []byte        { return oid(1, 3, 14, 3, 2, 26) }

// explicitP256 is P-256 by its numbers rather than its name (RFC 5480, section 2.1.1,
// forbids it; CVE-2020-0601 is what comes of believing it).
func explicitP256() []byte {
	p := elliptic.P256().Params()
	a := make([]byte, 32)
	p.P.FillBytes(a)
	a[31] -= 3                                         // a = p - 3
	g := elliptic.Marshal(elliptic.P256(), p.Gx, p.Gy) //nolint:staticcheck // ECDH has no way to write the generator
	return tlv(tagSequence,
		integer(1),
		tlv(tagSequence, oid(1, 2, 840, 10045, 1, 1), positive(p.P.Bytes())),
		tlv(tagSequence, tlv(tagOctets, a), tlv(tagOctets, p.B.FillBytes(make([]byte, 32)))),
		tlv(tagOctets, g), positive(p.N.Bytes()), integer(1))
}
