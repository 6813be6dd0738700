package contender

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/smallstep/pkcs7"

	"github.com/touchmark/touchmark/certs-test/bench/load"
)

// estEnrolment is RFC 7030, section 4.2.1, with HTTP Basic.
func estEnrolment(identity *Identity, secret string, once bool) []byte {
	basic := base64.StdEncoding.EncodeToString([]byte(identity.Serial + ":" + secret))
	return estPost("/.well-known/est/simpleenroll", identity, once, "Authorization: Basic "+basic)
}

// estRenewal is RFC 7030, section 4.2.2.
func estRenewal(identity *Identity) []byte {
	return estPost("/.well-known/est/simplereenroll", identity, true)
}

func estPost(path string, identity *Identity, once bool, headers ...string) []byte {
	body := base64.StdEncoding.AppendEncode(nil, identity.CSR)
	headers = append(headers, "Content-Type: application/pkcs10", "Content-Transfer-Encoding: base64")
	return load.Post(path, body, once, headers...)
}

// estCertificate returns the only certificate of an answer.
func estCertificate(body []byte) ([]byte, error) {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(body)))
	if err != nil {
		return nil, err
	}
	packed, err := pkcs7.Parse(der)
	if err != nil {
		return nil, err
	}
	if len(packed.Certificates) != 1 {
		return nil, errors.New("an EST answer holds one certificate")
	}
	return packed.Certificates[0].Raw, nil
}
