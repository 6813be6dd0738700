package ocsp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds of a request.
const (
	MaxRequestSize = 4 << 10 // octets of DER
	MaxCertIDs     = 16
	MaxNonce       = 128 // octets; RFC 9654, section 2.1
	maxSerial      = 32  // octets; RFC 5280 allows 20
)

// ErrMalformed means that the octets are no OCSP request within the bounds. The
// answer is malformedRequest.
var ErrMalformed = errors.New("malformed OCSP request")

// CertID names a certificate (RFC 6960, section 4.1.1). Its slices share memory
// with the request it was parsed from.
type CertID struct {
	// Hash is crypto.SHA1 or crypto.SHA256, or 0 for another.
	Hash crypto.Hash
	// NameHash and KeyHash are hashes of the issuer's name and key.
	NameHash, KeyHash []byte
	// Serial is the content of the serial number's INTEGER, up to 32 octets.
	Serial []byte
	// Raw is the CertID in DER, as the client wrote it and as the answer
	// repeats it. [Request.Marshal] makes it if it is nil.
	Raw []byte
}

// Request is an OCSP request. Who asks, and a signature on it, are not looked
// at: status is public.
type Request struct {
	// CertIDs are 1 to 16.
	CertIDs []CertID
	// Nonce is 1 to 128 octets, or nil if there is none.
	Nonce []byte
}

// ParseRequest reads a DER OCSPRequest (RFC 6960, section 4.1.1) of up to 4 KiB.
// The error wraps [ErrMalformed].
func ParseRequest(der []byte) (*Request, error) {
	r := &Request{}
	if err := r.parse(der); err != nil {
		return nil, err
	}
	return r, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// parse appends to r.CertIDs, so that a caller can provide the room.
func (r *Request) parse(der []byte) error {
	if len(der) > MaxRequestSize {
		return malformed("more than 4096 octets")
	}
	input := cryptobyte.String(der)
	var outer, tbs, list, extensions, signature cryptobyte.String
	var signed, extended bool
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() {
		return malformed("not one SEQUENCE")
	}
	if !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!outer.ReadOptionalASN1(&signature, &signed, contextTag(0)) || !outer.Empty() {
		return malformed("neither tbsRequest nor a signature")
	}
	if !readVersion(&tbs) ||
		!tbs.SkipOptionalASN1(contextTag(1)) || // requestorName
		!tbs.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!tbs.ReadOptionalASN1(&extensions, &extended, contextTag(2)) || !tbs.Empty() {
		return malformed("tbsRequest")
	}
	if err := r.parseList(list); err != nil {
		return err
	}
	if extended {
		return r.parseExtensions(extensions)
	}
	return nil
}

// readVersion accepts v1, which is the default, also where it is written out.
func readVersion(tbs *cryptobyte.String) bool {
	var explicit, number cryptobyte.String
	var present bool
	if !tbs.ReadOptionalASN1(&explicit, &present, contextTag(0)) {
		return false
	}
	if !present {
		return true
	}
	return explicit.ReadASN1(&number, cbasn1.INTEGER) && explicit.Empty() && len(number) == 1 && number[0] == 0
}

func (r *Request) parseList(list cryptobyte.String) error {
	for !list.Empty() {
		if len(r.CertIDs) == MaxCertIDs {
			return malformed("more than 16 certIDs")
		}
		var request, raw, extensions cryptobyte.String
		var extended bool
		if !list.ReadASN1(&request, cbasn1.SEQUENCE) || !request.ReadASN1Element(&raw, cbasn1.SEQUENCE) ||
			!request.ReadOptionalASN1(&extensions, &extended, contextTag(0)) || !request.Empty() {
			return malformed("requestList")
		}
		if extended && !readExtensions(extensions, func(_, _ cryptobyte.String, critical bool) bool { return !critical }) {
			return malformed("singleRequestExtensions")
		}
		id, ok := parseCertID(raw)
		if !ok {
			return malformed("certID")
		}
		r.CertIDs = append(r.CertIDs, id)
	}
	if len(r.CertIDs) == 0 {
		return malformed("no certID")
	}
	return nil
}

func parseCertID(raw cryptobyte.String) (CertID, bool) {
	id := CertID{Raw: raw}
	var fields, algorithm, name, key, serial cryptobyte.String
	if !raw.ReadASN1(&fields, cbasn1.SEQUENCE) || !fields.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!fields.ReadASN1(&name, cbasn1.OCTET_STRING) || !fields.ReadASN1(&key, cbasn1.OCTET_STRING) ||
		!fields.ReadASN1(&serial, cbasn1.INTEGER) || !fields.Empty() {
		return CertID{}, false
	}
	if !isMinimalInteger(serial) || len(serial) > maxSerial {
		return CertID{}, false
	}
	var ok bool
	if id.Hash, ok = parseHash(algorithm); !ok {
		return CertID{}, false
	}
	if id.Hash != 0 && (len(name) != id.Hash.Size() || len(key) != id.Hash.Size()) {
		return CertID{}, false
	}
	id.NameHash, id.KeyHash, id.Serial = name, key, serial
	return id, true
}

// isMinimalInteger reports whether the content of an INTEGER is DER.
func isMinimalInteger(n []byte) bool {
	if len(n) == 0 {
		return false
	}
	return len(n) == 1 || !(n[0] == 0 && n[1] < 0x80 || n[0] == 0xff && n[1] >= 0x80)
}

// parseHash reads the hash of an AlgorithmIdentifier, whose parameters are
// absent or NULL (RFC 5754, section 2): 0 for one that is not known here.
func parseHash(algorithm cryptobyte.String) (crypto.Hash, bool) {
	var oid cryptobyte.String
	var null bool
	var parameters cryptobyte.String
	if !algorithm.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) ||
		!algorithm.ReadOptionalASN1(&parameters, &null, cbasn1.NULL) {
		return 0, false
	}
	known := algorithm.Empty() && parameters.Empty()
	switch string(oid) {
	case oidSHA1:
		return crypto.SHA1, known
	case oidSHA256:
		return crypto.SHA256, known
	default:
		return 0, true
	}
}

func (r *Request) parseExtensions(extensions cryptobyte.String) error {
	nonces := 0
	ok := readExtensions(extensions, func(id, value cryptobyte.String, critical bool) bool {
		if string(id) != oidNonce {
			return !critical // RFC 6960, section 4.4: unknown ones are ignored unless critical
		}
		var nonce cryptobyte.String
		if !value.ReadASN1(&nonce, cbasn1.OCTET_STRING) || !value.Empty() || len(nonce) == 0 || len(nonce) > MaxNonce {
			return false
		}
		nonces++
		r.Nonce = nonce
		return nonces == 1
	})
	if !ok {
		return malformed("requestExtensions: an unknown critical extension, or a nonce that is not one OCTET STRING of 1 to 128 octets")
	}
	return nil
}

// readExtensions calls see for each extension, with its OBJECT IDENTIFIER's
// content, until one is refused.
func readExtensions(input cryptobyte.String, see func(id, value cryptobyte.String, critical bool) bool) bool {
	var list cryptobyte.String
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !input.Empty() || list.Empty() {
		return false
	}
	for !list.Empty() {
		var extension, id, value cryptobyte.String
		var critical bool
		if !list.ReadASN1(&extension, cbasn1.SEQUENCE) || !extension.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) {
			return false
		}
		if extension.PeekASN1Tag(cbasn1.BOOLEAN) && !extension.ReadASN1Boolean(&critical) {
			return false
		}
		if !extension.ReadASN1(&value, cbasn1.OCTET_STRING) || !extension.Empty() || !see(id, value, critical) {
			return false
		}
	}
	return true
}

// Equal reports whether two requests ask the same.
func (r *Request) Equal(other *Request) bool {
	if len(r.CertIDs) != len(other.CertIDs) || !bytes.Equal(r.Nonce, other.Nonce) {
		return false
	}
	for i, id := range r.CertIDs {
		if !bytes.Equal(id.der(), other.CertIDs[i].der()) {
			return false
		}
	}
	return true
}
