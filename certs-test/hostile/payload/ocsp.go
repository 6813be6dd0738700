package payload

import (
	"bytes"
	"crypto/sha1" // certIDs are named by it
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"slices"
	"strings"
)

// certID is CertID (RFC 6960, section 4.1.1) by SHA-1.
func certID(issuer *x509.Certificate, serial []byte) []byte {
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	must(asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki))
	name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(spki.Key.Bytes)
	return tlv(tagSequence, tlv(tagSequence, oidSHA1(), null()), tlv(tagOctets, name[:]), tlv(tagOctets, key[:]), positive(serial))
}

// ocspRequest is OCSPRequest of its TBSRequest's fields.
func ocspRequest(fields ...[]byte) []byte { return tlv(tagSequence, tlv(tagSequence, fields...)) }

// requests is requestList of certIDs.
func requests(ids ...[]byte) []byte {
	var list [][]byte
	for _, id := range ids {
		list = append(list, tlv(tagSequence, id))
	}
	return tlv(tagSequence, list...)
}

// extensions is requestExtensions of one extension.
func extensions(fields ...[]byte) []byte {
	return tlv(context(2), tlv(tagSequence, tlv(tagSequence, fields...)))
}

func oidNonce() []byte { return oid(1, 3, 6, 1, 5, 5, 7, 48, 1, 2) }

// GoodOCSP asks for one certificate of an issuer.
func GoodOCSP(issuer *x509.Certificate, serial []byte) []byte {
	return ocspRequest(requests(certID(issuer, serial)))
}

// OCSPRequests are requests to an OCSP responder in DER about a certificate of an
// issuer's, each wrong in one way.
func OCSPRequests(issuer *x509.Certificate, serial []byte) []Payload {
	id := certID(issuer, serial)
	whole := GoodOCSP(issuer, serial)
	nonce := func(n int) []byte {
		return ocspRequest(requests(id), extensions(oidNonce(), tlv(tagOctets, tlv(tagOctets, bytes.Repeat([]byte{1}, n)))))
	}
	return []Payload{
		{"nothing", nil},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"indefinite length", indefinite(whole)},
		{"a length longer than it needs", longLength(whole)},
		{"cut in half", whole[:len(whole)/2]},
		{"an octet behind it", append(slices.Clone(whole), 0)},
		{"1,000 sequences within each other", nested(1000)},
		{"no certificate", ocspRequest(requests())},
		{"17 certificates", ocspRequest(requests(slices.Repeat([][]byte{id}, 17)...))},
		{"version 2", ocspRequest(tlv(context(0), integer(1)), requests(id))},
		{"version 2^64", ocspRequest(tlv(context(0), integer(1, 0, 0, 0, 0, 0, 0, 0, 0)), requests(id))},
		{"a nonce of 129 octets", nonce(129)},
		{"a nonce of nothing", nonce(0)},
		{"a nonce of 3 kB", nonce(3000)},
		{"a nonce that is no octet string", ocspRequest(requests(id), extensions(oidNonce(), tlv(tagOctets, integer(1))))},
		{"a critical extension that nobody knows", ocspRequest(requests(id), extensions(oid(1, 3, 6, 1, 4, 1, 32473, 4), tlv(1, []byte{0xff}), tlv(tagOctets)))},
		{"a hash that nobody knows", ocspRequest(requests(tlv(tagSequence, tlv(tagSequence, oid(1, 3, 6, 1, 4, 1, 32473, 5)), tlv(tagOctets, make([]byte, 20)), tlv(tagOctets, make([]byte, 20)), integer(1))))},
		{"a hash of the wrong length", ocspRequest(requests(tlv(tagSequence, tlv(tagSequence, oidSHA1(), null()), tlv(tagOctets, make([]byte, 19)), tlv(tagOctets, make([]byte, 20)), integer(1))))},
		{"another issuer", ocspRequest(requests(tlv(tagSequence, tlv(tagSequence, oidSHA1(), null()), tlv(tagOctets, make([]byte, 20)), tlv(tagOctets, make([]byte, 20)), positive(serial))))},
		{"two issuers", ocspRequest(requests(id, tlv(tagSequence, tlv(tagSequence, oidSHA1(), null()), tlv(tagOctets, make([]byte, 20)), tlv(tagOctets, make([]byte, 20)), positive(serial))))},
		{"a serial number of 2 kB", ocspRequest(requests(certID(issuer, bytes.Repeat([]byte{0x7f}, 2000))))},
		{"a negative serial number", ocspRequest(requests(slices.Concat([]byte{tagSequence, byte(len(certID(issuer, []byte{1})) - 2)}, certID(issuer, []byte{1})[2:len(certID(issuer, []byte{1}))-1], []byte{0xff})))},
		{"signed with rubbish", tlv(tagSequence, tlv(tagSequence, requests(id)), tlv(context(0), tlv(tagSequence, tlv(tagSequence, oidECDSASHA256()), bits(make([]byte, 70)))))},
		{"an answer", tlv(tagSequence, tlv(tagEnum, []byte{0}))},
	}
}

// OCSPPaths are what stands behind /ocsp/ in an address, each wrong in one way.
func OCSPPaths(issuer *x509.Certificate, serial []byte) []Payload {
	whole := base64.StdEncoding.EncodeToString(GoodOCSP(issuer, serial))
	return []Payload{
		named("nothing", ""),
		named("a slash", "/"),
		named("no base64", "!!!!"),
		named("base64 of nothing much", "AAAA"),
		named("base64 for addresses", strings.NewReplacer("+", "-", "/", "_").Replace(whole)+"_-_-"),
		named("encoded twice", strings.ReplaceAll(strings.ReplaceAll(whole, "+", "%252B"), "/", "%252F")+"%253D"),
		named("a space in it", whole[:8]+"%20"+whole[8:]),
		named("a newline in it", whole[:8]+"%0A"+whole[8:]),
		named("a NUL in it", whole[:8]+"%00"+whole[8:]),
		named("padding within", whole[:8]+"="+whole[8:]),
		named("8 kB", strings.Repeat("MEUw", 2000)),
		named("a dot segment", "../issuer/"+whole),
	}
}
