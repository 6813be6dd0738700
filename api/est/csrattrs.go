package est

import (
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity/policy"
)

// getCSRAttrs is RFC 7030, section 4.5: what to ask for, as the policy of the
// device's fleet has it. It is told without credentials, as the RFC allows: devices
// ask before they have any.
func (d *door) getCSRAttrs(w http.ResponseWriter, r *http.Request) {
	advice, err := d.service.Advise(r.Context(), enroll.Inquiry{Certificate: presented(r), Order: chi.URLParam(r, "order")})
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	der, err := csrAttributes(advice, hasUnique(r))
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store") // the policy may change, and who asks
	answer(w, typeCSRAttrs, transferEncode(der))
}

// Object identifiers of PKCS#9 (RFC 2985) and of RFC 9908.

func oidTemplate() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 61} // id-aa-certificationRequestInfoTemplate
}

func oidChallengePassword() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}
}

// csrAttributes returns the DER of CsrAttrs (RFC 7030, section 4.5.2, as RFC 9908
// has it). It asks for one kind of key and the signature that goes with it, and for
// no names or extensions, because nothing else is taken from a CSR. It says so twice:
// as a list for clients of RFC 7030, and as a template for those of RFC 9908, section
// 3.4, who look at nothing else.
//
// Where the CSR is to be bound to the connection it asks for the challenge password:
// where it may be, only over TLS that has tls-unique, because clients of RFC 7030 know
// of nothing else. A template cannot ask for an attribute without a value, so that
// there is none where binding is required.
func csrAttributes(advice enroll.Advice, unique bool) ([]byte, error) {
	wanted, err := keyFormOf(advice.Key)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(nil)
	required := advice.Binding == enroll.BindingRequired
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if required || advice.Binding == enroll.BindingOffered && unique {
			b.AddASN1ObjectIdentifier(oidChallengePassword())
		}
		wanted.addAttribute(b)
		b.AddASN1ObjectIdentifier(wanted.signature)
		if !required {
			addAttribute(b, oidTemplate(), wanted.addTemplate)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode the answer of EST csrattrs: %w", err)
	}
	return der, nil
}

// keyForm is how a kind of key is written: curve and bits are of ECDSA and RSA
// alone, and a kind that is its own signature algorithm has only that.
type keyForm struct {
	algorithm, curve, signature asn1.ObjectIdentifier
	bits                        int
}

// keyFormOf returns how a kind of key is written (RFC 5480, RFC 8410, RFC 8017).
func keyFormOf(kind policy.KeyKind) (keyForm, error) {
	ecdsa := func(signature int, curve ...int) keyForm {
		return keyForm{algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, curve: curve, signature: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, signature}}
	}
	rsa := func(bits int) keyForm {
		return keyForm{algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, bits: bits, signature: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}}
	}
	switch kind {
	case policy.ECDSAP256:
		return ecdsa(2, 1, 2, 840, 10045, 3, 1, 7), nil
	case policy.ECDSAP384:
		return ecdsa(3, 1, 3, 132, 0, 34), nil
	case policy.ECDSAP521:
		return ecdsa(4, 1, 3, 132, 0, 35), nil
	case policy.Ed25519:
		return keyForm{algorithm: asn1.ObjectIdentifier{1, 3, 101, 112}, signature: asn1.ObjectIdentifier{1, 3, 101, 112}}, nil
	case policy.RSA2048:
		return rsa(2048), nil
	case policy.RSA3072:
		return rsa(3072), nil
	case policy.RSA4096:
		return rsa(4096), nil
	default:
		return keyForm{}, fmt.Errorf("EST csrattrs: keys of the kind %q have no form", kind)
	}
}

// addAttribute adds the kind of key as an attribute: its algorithm, and as its value
// the curve, or the size in bits. Ed25519 needs none: the signature says it.
func (k keyForm) addAttribute(b *cryptobyte.Builder) {
	switch {
	case k.curve != nil:
		addAttribute(b, k.algorithm, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(k.curve) })
	case k.bits != 0:
		addAttribute(b, k.algorithm, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(k.bits)) })
	}
}

// addTemplate adds a CertificationRequestInfoTemplate without a subject and without
// attributes (RFC 9908, section 3.4).
func (k keyForm) addTemplate(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)                                      // version
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { // SubjectPublicKeyInfoTemplate
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(k.algorithm)
				switch {
				case k.curve != nil:
					b.AddASN1ObjectIdentifier(k.curve)
				case k.bits != 0:
					b.AddASN1NULL()
				}
			})
			if k.bits != 0 {
				k.addDummyKey(b)
			}
		})
		b.AddASN1(contextTag(1), func(*cryptobyte.Builder) {})
	})
}

// addDummyKey adds an RSA key that is none, and says by its length how long a key is
// wanted. Its modulus is the greatest of that length.
func (k keyForm) addDummyKey(b *cryptobyte.Builder) {
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(k.bits)) // #nosec G115 -- a number of bits
	modulus.Sub(modulus, big.NewInt(1))
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(0) // unused bits
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(modulus)
			b.AddASN1Int64(65537)
		})
	})
}

// addAttribute adds an Attribute (RFC 2986, section 4) with one value.
func addAttribute(b *cryptobyte.Builder, id asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		b.AddASN1(cbasn1.SET, value)
	})
}

// contextTag is the tag [n] of a constructed value.
func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
