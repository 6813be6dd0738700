package payload

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
)

// parts are the fields of a PKCS#10 request (RFC 2986, section 4), each in DER.
type parts struct {
	version, subject, key, attributes []byte
	// algorithm and signature stand behind what is signed; a nil signature is made
	// with the key.
	algorithm, signature []byte
	signer               *ecdsa.PrivateKey
}

// good are the parts of a request that is as it should be.
func good() *parts {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return &parts{
		version: integer(0), subject: commonName(tagUTF8, []byte("SN1")),
		key: must(x509.MarshalPKIXPublicKey(key.Public())), attributes: tlv(context(0)),
		algorithm: tlv(tagSequence, oidECDSASHA256()), signer: key,
	}
}

// with changes the parts.
func (p *parts) with(change func(*parts)) []byte {
	change(p)
	return p.der()
}

func (p *parts) der() []byte {
	info := tlv(tagSequence, p.version, p.subject, p.key, p.attributes)
	signature := p.signature
	if signature == nil {
		digest := sha256.Sum256(info)
		signature = bits(must(p.signer.Sign(rand.Reader, digest[:], crypto.SHA256)))
	}
	return tlv(tagSequence, info, p.algorithm, signature)
}

// commonName is a Name of one attribute.
func commonName(tag byte, text []byte) []byte {
	return tlv(tagSequence, tlv(tagSet, tlv(tagSequence, oid(2, 5, 4, 3), tlv(tag, text))))
}

// point is a key on P-256 of any octets.
func point(octets []byte) []byte {
	return tlv(tagSequence, tlv(tagSequence, oidEC(), oidP256()), bits(octets))
}

// rsaKey is an RSA key of any numbers, each an INTEGER in DER.
func rsaKey(modulus, exponent []byte) []byte {
	return tlv(tagSequence, tlv(tagSequence, oidRSA(), null()), bits(tlv(tagSequence, modulus, exponent)))
}

// modulus is an odd number of so many octets whose first bit is set, always the same.
func modulus(octets int) []byte {
	n := make([]byte, 0, octets+sha256.Size)
	for digest := sha256.Sum256([]byte("touchmark")); len(n) < octets; digest = sha256.Sum256(digest[:]) {
		n = append(n, digest[:]...)
	}
	n = n[:octets]
	n[0] |= 0x80
	n[octets-1] |= 1
	return n
}

// GoodCSR is a request as it should be, with a key of its own.
func GoodCSR() []byte { return good().der() }

// CSRs are certificate requests in DER, each wrong in one way.
func CSRs() []Payload {
	return slices.Concat(wrongEncodings(), wrongFields(), wrongECKeys(), wrongRSAKeys(), wrongSignatures())
}

func wrongEncodings() []Payload {
	der := GoodCSR()
	return []Payload{
		{"nothing", nil},
		{"one octet", []byte{tagSequence}},
		{"indefinite length", indefinite(der)},
		{"a length longer than it needs", longLength(der)},
		{"a length of 2^63", []byte{tagSequence, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0}},
		{"a length of 4 GiB", []byte{tagSequence, 0x84, 0xff, 0xff, 0xff, 0xff}},
		{"cut in half", der[:len(der)/2]},
		{"an octet behind it", append(slices.Clone(der), 0)},
		{"twice", append(slices.Clone(der), der...)},
		{"1,000 sequences within each other", nested(1000)},
		{"zeros", make([]byte, 1000)},
		{"text", []byte("-----BEGIN CERTIFICATE REQUEST-----\n")},
		{"a certificate's shape", tlv(tagSequence, tlv(tagSequence, tlv(context(0), integer(2)), integer(1)))},
		{"16 KiB of attributes", good().with(func(p *parts) {
			p.attributes = tlv(context(0), attribute(tlv(tagOctets, make([]byte, 16<<10))))
			p.signature = bits(make([]byte, 70)) // so that it is always of one size
		})},
	}
}

// attribute is an extensionRequest with any value.
func attribute(values ...[]byte) []byte {
	return tlv(tagSequence, oid(1, 2, 840, 113549, 1, 9, 14), tlv(tagSet, values...))
}

func wrongFields() []Payload {
	extension := tlv(tagSequence, tlv(tagSequence, oid(2, 5, 29, 17), tlv(tagOctets, tlv(tagSequence, tlv(0x82, []byte("a.example"))))))
	return []Payload{
		{"version 2", good().with(func(p *parts) { p.version = integer(1) })},
		{"a version of 500 octets", good().with(func(p *parts) { p.version = tlv(tagInteger, bytes.Repeat([]byte{0x7f}, 500)) })},
		{"a negative version", good().with(func(p *parts) { p.version = integer(0xff) })},
		{"no version", good().with(func(p *parts) { p.version = nil })},
		{"a subject that is no name", good().with(func(p *parts) { p.subject = tlv(tagOctets, []byte("SN1")) })},
		{"an extension request twice", good().with(func(p *parts) { p.attributes = tlv(context(0), attribute(extension), attribute(extension)) })},
		{"an extension twice", good().with(func(p *parts) {
			p.attributes = tlv(context(0), attribute(tlv(tagSequence, extension[2:], extension[2:])))
		})},
		{"a broken SAN", good().with(func(p *parts) {
			broken := tlv(tagSequence, tlv(tagSequence, oid(2, 5, 29, 17), tlv(tagOctets, []byte{tagSequence, 0x7f})))
			p.attributes = tlv(context(0), attribute(broken))
		})},
		{"an unknown kind of key", good().with(func(p *parts) {
			p.key = tlv(tagSequence, tlv(tagSequence, oid(1, 3, 6, 1, 4, 1, 32473, 1)), bits(make([]byte, 32)))
		})},
		{"no key", good().with(func(p *parts) { p.key = nil })},
		{"an Ed25519 key of small order", good().with(func(p *parts) {
			p.key = tlv(tagSequence, tlv(tagSequence, oid(1, 3, 101, 112)), bits(append([]byte{1}, make([]byte, 31)...)))
		})},
		{"an Ed25519 key of 31 octets", good().with(func(p *parts) {
			p.key = tlv(tagSequence, tlv(tagSequence, oid(1, 3, 101, 112)), bits(make([]byte, 31)))
		})},
	}
}

// TakenCSRs are odd where nobody looks: names and attributes are not taken from a
// request.
func TakenCSRs() []Payload {
	return []Payload{
		{"as it should be", GoodCSR()},
		{"a subject of a set of nothing", good().with(func(p *parts) { p.subject = tlv(tagSequence, tlv(tagSet)) })},
		{"attributes that are no set", good().with(func(p *parts) { p.attributes = tlv(context(0), integer(1)) })},
		{"control characters in its subject", good().with(func(p *parts) { p.subject = commonName(tagUTF8, []byte("a\x00\u202e\x1b[2J")) })},
		{"a printable subject that does not print", good().with(func(p *parts) { p.subject = commonName(tagUTF8, []byte("=cmd|' /C calc'!A0<script>")) })},
	}
}

func wrongECKeys() []Payload {
	key := func(octets []byte) []byte { return good().with(func(p *parts) { p.key = point(octets) }) }
	offCurve := make([]byte, 65)
	offCurve[0], offCurve[32], offCurve[64] = 4, 1, 1
	tooBig := bytes.Repeat([]byte{0xff}, 65)
	tooBig[0] = 4
	return []Payload{
		{"a point off the curve", key(offCurve)},
		{"the point at infinity", key([]byte{0})},
		{"coordinates beyond the field", key(tooBig)},
		{"a point of nothing", key(nil)},
		{"a compressed point", key(append([]byte{2}, make([]byte, 32)...))},
		{"a point of a mebibyte", key(make([]byte, 15<<10))},
		{"explicit parameters", good().with(func(p *parts) {
			p.key = tlv(tagSequence, tlv(tagSequence, oidEC(), explicitP256()), bits(offCurve))
		})},
		{"a curve that nobody knows", good().with(func(p *parts) {
			p.key = tlv(tagSequence, tlv(tagSequence, oidEC(), oid(1, 3, 6, 1, 4, 1, 32473, 2)), bits(offCurve))
		})},
		{"no curve", good().with(func(p *parts) { p.key = tlv(tagSequence, tlv(tagSequence, oidEC()), bits(offCurve)) })},
	}
}

func wrongRSAKeys() []Payload {
	key := func(n, e []byte) []byte { return good().with(func(p *parts) { p.key = rsaKey(n, e) }) }
	exponent := integer(1, 0, 1)
	even := modulus(256)
	even[255] &= 0xfe
	small := modulus(256)
	square := must(rsa.GenerateKey(rand.Reader, 2048)).Primes[0]
	return []Payload{
		{"a negative modulus", key(tlv(tagInteger, modulus(256)), exponent)},
		{"a modulus of zero", key(integer(0), exponent)},
		{"a modulus of one", key(integer(1), exponent)},
		{"an even modulus", key(positive(even), exponent)},
		{"an odd modulus with a small factor or none", key(positive(small), exponent)},
		{"a modulus that is a square", key(positive(square.Mul(square, square).Bytes()), exponent)},
		{"RSA 512", key(positive(modulus(64)), exponent)},
		{"RSA 16384", key(positive(modulus(2048)), exponent)},
		{"RSA 100000", key(positive(modulus(12500)), exponent)},
		{"exponent 1", key(positive(modulus(256)), integer(1))},
		{"exponent 3", key(positive(modulus(256)), integer(3))},
		{"an even exponent", key(positive(modulus(256)), integer(1, 0, 0))},
		{"a negative exponent", key(positive(modulus(256)), integer(0x81))},
		{"exponent 0", key(positive(modulus(256)), integer(0))},
		{"an exponent of 256 octets", key(positive(modulus(256)), positive(modulus(256)))},
		{"an RSA key of nothing", key(nil, nil)},
		{"zeros before the modulus", key(tlv(tagInteger, []byte{0, 0}, modulus(256)), exponent)},
	}
}

func wrongSignatures() []Payload {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return []Payload{
		{"another's signature", good().with(func(p *parts) { p.signer = other })},
		{"no signature", good().with(func(p *parts) { p.signature = bits(nil) })},
		{"a signature of zeros", good().with(func(p *parts) { p.signature = bits(tlv(tagSequence, integer(0), integer(0))) })},
		{"a signature that is no bit string", good().with(func(p *parts) { p.signature = tlv(tagOctets, make([]byte, 64)) })},
		{"a signature of negative numbers", good().with(func(p *parts) { p.signature = bits(tlv(tagSequence, integer(0xff), integer(0xff))) })},
		{"a signature with unused bits", good().with(func(p *parts) { p.signature = tlv(tagBitString, []byte{7}, make([]byte, 8)) })},
		{"an unknown signature algorithm", good().with(func(p *parts) { p.algorithm = tlv(tagSequence, oid(1, 3, 6, 1, 4, 1, 32473, 3)) })},
		{"RSA's algorithm with an EC key", good().with(func(p *parts) { p.algorithm = tlv(tagSequence, oid(1, 2, 840, 113549, 1, 1, 11), null()) })},
		{"ECDSA with SHA-1", good().with(func(p *parts) { p.algorithm = tlv(tagSequence, oid(1, 2, 840, 10045, 4, 1)) })},
		{"MD5 with RSA", good().with(func(p *parts) { p.algorithm = tlv(tagSequence, oid(1, 2, 840, 113549, 1, 1, 4), null()) })},
		{"parameters of the algorithm that go on for ever", good().with(func(p *parts) {
			p.algorithm = tlv(tagSequence, oid(1, 2, 840, 113549, 1, 1, 10), nested(500))
		})},
	}
}
