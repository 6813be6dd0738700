package ocsp

import (
	"crypto"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/touchmark/touchmark/ca"
)

// The content of OBJECT IDENTIFIERs.
const (
	oidSHA1            = "\x2b\x0e\x03\x02\x1a"                 // 1.3.14.3.2.26
	oidSHA256          = "\x60\x86\x48\x01\x65\x03\x04\x02\x01" // 2.16.840.1.101.3.4.2.1
	oidNonce           = "\x2b\x06\x01\x05\x05\x07\x30\x01\x02" // 1.3.6.1.5.5.7.48.1.2, id-pkix-ocsp-nonce
	oidBasic           = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01" // 1.3.6.1.5.5.7.48.1.1, id-pkix-ocsp-basic
	oidECDSAWithSHA256 = "\x2a\x86\x48\xce\x3d\x04\x03\x02"     // 1.2.840.10045.4.3.2
)

// responseStatus is OCSPResponseStatus of RFC 6960, section 4.2.1.
type responseStatus byte

const (
	statusSuccessful       responseStatus = 0
	statusMalformedRequest responseStatus = 1
	statusInternalError    responseStatus = 2
	statusTryLater         responseStatus = 3
	statusUnauthorized     responseStatus = 6
)

// der is an OCSPResponse without responseBytes: SEQUENCE { ENUMERATED }.
func (s responseStatus) der() []byte { return []byte{0x30, 3, 0x0a, 1, byte(s)} }

// MalformedRequest returns the answer to what is no OCSP request, in DER.
func MalformedRequest() []byte { return statusMalformedRequest.der() }

// InternalError returns the answer when something here is broken, in DER.
func InternalError() []byte { return statusInternalError.der() }

// TryLater returns the answer when the status cannot be had now, in DER.
func TryLater() []byte { return statusTryLater.der() }

// Unauthorized returns the answer when nobody here may speak for the issuer, in
// DER.
func Unauthorized() []byte { return statusUnauthorized.der() }

// contextTag is the tag [n] around a constructed value.
func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func addOID(b *cryptobyte.Builder, content string) {
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(content)) })
}

// NewCertID names a certificate of an issuer, by crypto.SHA1 or crypto.SHA256.
func NewCertID(hash crypto.Hash, issuer *ca.Issuer, serial ca.Serial) CertID {
	id := CertID{Hash: hash, NameHash: issuer.NameHash(hash), KeyHash: issuer.KeyHash(hash), Serial: serial[:]}
	id.Raw = id.der()
	return id
}

// der returns the CertID as it came, or encodes it.
func (id CertID) der() []byte {
	if id.Raw != nil {
		return id.Raw
	}
	oid := oidSHA1
	if id.Hash == crypto.SHA256 {
		oid = oidSHA256
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oid)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(id.NameHash)
		b.AddASN1OctetString(id.KeyHash)
		b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(id.Serial) })
	})
	return b.BytesOrPanic() // only over 4 GiB
}

// Marshal encodes the request in DER.
func (r *Request) Marshal() []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range r.CertIDs {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id.der()) })
				}
			})
			if r.Nonce != nil {
				b.AddASN1(contextTag(2), func(b *cryptobyte.Builder) { addNonce(b, r.Nonce) })
			}
		})
	})
	return b.BytesOrPanic()
}

// addNonce adds Extensions with the nonce alone (RFC 9654).
func addNonce(b *cryptobyte.Builder, nonce []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oidNonce)
			b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
		})
	})
}

// answer is what a response says.
type answer struct {
	certIDs                []CertID
	statuses               []Status // one for each certID
	thisUpdate, nextUpdate time.Time
	nonce                  []byte
}

// addResponseData adds the part of the response that is signed (RFC 6960,
// section 4.2.1).
func (a *answer) addResponseData(b *cryptobyte.Builder, d *delegate) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(contextTag(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.keyHash[:]) }) // responderID byKey
		b.AddASN1GeneralizedTime(a.thisUpdate)                                                       // producedAt
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for i, id := range a.certIDs {
				a.addSingleResponse(b, id, a.statuses[i])
			}
		})
		if a.nonce != nil {
			b.AddASN1(contextTag(1), func(b *cryptobyte.Builder) { addNonce(b, a.nonce) })
		}
	})
}

func (a *answer) addSingleResponse(b *cryptobyte.Builder, id CertID, s Status) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(id.Raw)
		switch {
		case !s.Known:
			b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {}) // unknown
		case s.Revoked:
			b.AddASN1(contextTag(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(s.RevokedAt.UTC().Truncate(time.Second))
				if s.Reason != ca.Unspecified {
					b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Reason)) })
				}
			})
		default:
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {}) // good
		}
		b.AddASN1GeneralizedTime(a.thisUpdate)
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(a.nextUpdate) })
	})
}

// sign encodes and signs the response, with the delegate's certificate in it.
func (a *answer) sign(d *delegate) ([]byte, error) {
	var data cryptobyte.Builder
	a.addResponseData(&data, d)
	tbs, err := data.Bytes()
	if err != nil {
		return nil, err
	}
	signature, err := d.sign(tbs)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(d.der)+256))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // OCSPResponse
		b.AddASN1Enum(int64(statusSuccessful))
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ResponseBytes
				addOID(b, oidBasic)
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { addBasicResponse(b, tbs, signature, d.der) })
			})
		})
	})
	der, err := b.Bytes()
	return slices.Clip(der), err
}

func addBasicResponse(b *cryptobyte.Builder, tbs, signature, certificate []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addOID(b, oidECDSAWithSHA256) })
		b.AddASN1BitString(signature)
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(certificate) })
		})
	})
}
