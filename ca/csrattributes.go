package ca

import (
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Sizes in octets of what a TLS connection is known by at both its ends.
const (
	TLSUniqueSize   = 12 // tls-unique (RFC 5929, section 3): a Finished message of TLS 1.2 (RFC 5246, section 7.4.9)
	TLSExporterSize = 32 // tls-exporter (RFC 9266, section 2)
)

// maxPassword is the greatest length of a challenge password in characters:
// pkcs-9-ub-challengePassword of RFC 2985, appendix A.
const maxPassword = 255

// Attributes of PKCS#10 requests that are looked at.

func oidChallengePassword() asn1.ObjectIdentifier { // RFC 2985, section 5.4.1
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}
}

func oidIdentityLinking() asn1.ObjectIdentifier { // id-aa-estIdentityLinking of RFC 7894, section 3.3
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 58}
}

// ChannelBinding returns what the request offers as the name of the TLS connection
// that it is sent by (RFC 7030, section 3.5), decoded: [TLSUniqueSize] or
// [TLSExporterSize] octets, or nil where it offers none. It stands in base64 in the
// attribute of RFC 7894, or else in the challenge password; a password that is not
// base64 of one of those sizes is somebody's password, and no offer. The error wraps
// [ErrBadCSR]: an attribute that is there twice, or is not of its form.
func (r *CertificateRequest) ChannelBinding() ([]byte, error) { return r.info.channelBinding() }

// requestInfo is the DER of a CertificationRequestInfo (RFC 2986, section 4.1).
type requestInfo []byte

func (i requestInfo) channelBinding() ([]byte, error) {
	attributes, err := i.attributes()
	if err != nil {
		return nil, err
	}
	linked, found, err := attributes.text(oidIdentityLinking(), "estIdentityLinking")
	if err != nil {
		return nil, err
	}
	if found {
		binding := decodeBinding(linked)
		if binding == nil {
			return nil, fmt.Errorf("%w: its attribute estIdentityLinking is not base64 of %d or %d octets; put tls-unique or tls-exporter there", ErrBadCSR, TLSUniqueSize, TLSExporterSize)
		}
		return binding, nil
	}
	password, _, err := attributes.text(oidChallengePassword(), "challengePassword")
	return decodeBinding(password), err
}

// decodeBinding decodes a channel binding; nil for what is none. White space at the
// end is what base64 of OpenSSL's leaves there.
func decodeBinding(text string) []byte {
	octets, err := base64.StdEncoding.Strict().DecodeString(strings.TrimRight(text, " \t\r\n"))
	if err != nil || len(octets) != TLSUniqueSize && len(octets) != TLSExporterSize {
		return nil
	}
	return octets
}

// attributes returns the attributes, which are optional here: not all clients write
// the empty set that the RFC demands.
func (i requestInfo) attributes() (attributes, error) {
	input := cryptobyte.String(i)
	var info, all cryptobyte.String
	var present bool
	ok := input.ReadASN1(&info, cbasn1.SEQUENCE) && input.Empty() &&
		info.SkipASN1(cbasn1.INTEGER) && // version
		info.SkipASN1(cbasn1.SEQUENCE) && // subject
		info.SkipASN1(cbasn1.SEQUENCE) && // subjectPKInfo
		info.ReadOptionalASN1(&all, &present, contextTag(0)) && info.Empty()
	if !ok {
		return nil, fmt.Errorf("%w: its attributes are not in DER", ErrBadCSR)
	}
	return attributes(all), nil
}

// attributes is the DER of a SET OF Attribute, without its tag.
type attributes []byte

// value returns the one value of the one attribute with an id, and whether it is
// there. An attribute that is there twice, or with several values, could be read in
// two ways.
func (a attributes) value(id asn1.ObjectIdentifier, name string) (value cryptobyte.String, tag cbasn1.Tag, found bool, err error) {
	rest := cryptobyte.String(a)
	for !rest.Empty() {
		var attribute, values cryptobyte.String
		var kind asn1.ObjectIdentifier
		if !rest.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&kind) ||
			!attribute.ReadASN1(&values, cbasn1.SET) || !attribute.Empty() {
			return nil, 0, false, fmt.Errorf("%w: its attributes are not in DER", ErrBadCSR)
		}
		if !kind.Equal(id) {
			continue
		}
		if found || !values.ReadAnyASN1(&value, &tag) || !values.Empty() {
			return nil, 0, false, fmt.Errorf("%w: the attribute %s has to be there once, with one value", ErrBadCSR, name)
		}
		found = true
	}
	return value, tag, found, nil
}

// text returns the text of an attribute whose value is a DirectoryString (RFC 5280,
// section 4.1.2.4) or, as some write it, an IA5String, of up to 255 characters. Text in
// characters of two or four octets is returned as none: nobody writes base64 in them.
func (a attributes) text(id asn1.ObjectIdentifier, name string) (text string, found bool, err error) {
	value, tag, found, err := a.value(id, name)
	if err != nil || !found {
		return "", false, err
	}
	text = string(value)
	const bmpString, universalString = cbasn1.Tag(30), cbasn1.Tag(28)
	switch tag {
	case cbasn1.PrintableString, cbasn1.UTF8String, cbasn1.T61String, cbasn1.IA5String:
		if tag == cbasn1.UTF8String && !utf8.ValidString(text) {
			return "", false, fmt.Errorf("%w: the attribute %s is not UTF-8", ErrBadCSR, name)
		}
	case bmpString, universalString:
		if len(text) > 4*maxPassword {
			break
		}
		return "", true, nil
	default:
		return "", false, fmt.Errorf("%w: the attribute %s is not text", ErrBadCSR, name)
	}
	if utf8.RuneCountInString(text) > maxPassword {
		return "", false, fmt.Errorf("%w: the attribute %s has more than %d characters", ErrBadCSR, name, maxPassword)
	}
	return text, true, nil
}
