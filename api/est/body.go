package est

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// maxBody bounds a request's body in octets: the greatest CSR in base64, with
// room for a line break after every 8 characters.
const maxBody = (ca.MaxCSRSize + 2) / 3 * 4 * 5 / 4

// readCSR reads a PKCS#10 request in base64, wrapped or not; a
// Content-Transfer-Encoding is not looked at (RFC 8951, section 3.1). It returns
// the request, or what is wrong with the body.
func readCSR(w http.ResponseWriter, r *http.Request) ([]byte, *enroll.Refusal) {
	if !isPKCS10(r.Header.Get("Content-Type")) {
		return nil, enroll.Refuse(enroll.BadRequest, "send the request with Content-Type: %s", typePKCS10)
	}
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	text, err := readBounded(http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge()
	case err != nil:
		return nil, errEnded()
	}
	csr, err := transferDecode(text)
	switch {
	case err != nil:
		return nil, enroll.Refuse(enroll.BadRequest, "the body is not base64; send a PKCS#10 request in DER as base64, without PEM's first and last line")
	case len(csr) > ca.MaxCSRSize:
		return nil, tooLarge()
	}
	return csr, nil
}

// errEnded is for a body that did not come, or not in time. Then the request's
// context has ended too, and nobody can be asked who the client is.
func errEnded() *enroll.Refusal {
	return enroll.Refuse(enroll.BadRequest, "the request ended before its body did; send it again")
}

func tooLarge() *enroll.Refusal {
	return enroll.Refuse(enroll.TooLarge, "a certificate request has at most %d octets", ca.MaxCSRSize)
}

// isPKCS10 reports whether a media type is application/pkcs10, whatever its
// parameters (RFC 9110, section 8.3.1).
func isPKCS10(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), typePKCS10)
}

// readBounded reads all of body, in one allocation where its length is known.
func readBounded(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(body)
	}
	text := make([]byte, length)
	_, err := io.ReadFull(body, text)
	return text, err
}

// transferDecode decodes base64 (RFC 4648, section 4) with white space anywhere
// in it. It overwrites text.
func transferDecode(text []byte) ([]byte, error) {
	kept := text[:0]
	for _, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			kept = append(kept, c)
		}
	}
	der := make([]byte, base64.StdEncoding.DecodedLen(len(kept)))
	n, err := base64.StdEncoding.Strict().Decode(der, kept)
	return der[:n], err
}
