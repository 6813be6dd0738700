package status

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/touchmark/touchmark/ca/ocsp"
)

// Responder answers OCSP requests. *ocsp.Responder is one.
type Responder interface {
	// Respond answers a request in DER. Beside an error the answer is the OCSP error
	// that belongs to it.
	Respond(ctx context.Context, request []byte) (ocsp.Response, error)
}

const (
	typeOCSPRequest  = "application/ocsp-request"
	typeOCSPResponse = "application/ocsp-response"
)

// postOCSP is RFC 6960, appendix A.1, with POST.
func (d *door) postOCSP(w http.ResponseWriter, r *http.Request) {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(mediaType), typeOCSPRequest) {
		answerText(w, http.StatusUnsupportedMediaType, "send Content-Type: "+typeOCSPRequest)
		return
	}
	request, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ocsp.MaxRequestSize))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		answerText(w, http.StatusRequestEntityTooLarge, "an OCSP request has at most 4096 octets")
	case err != nil:
		answerText(w, http.StatusBadRequest, "the request ended before its body did")
	default:
		d.answerOCSP(w, r, request)
	}
}

// getOCSP is RFC 6960, appendix A.1, with GET: the request in base64, after
// {url}/ocsp/, percent-encoded or not.
func (d *door) getOCSP(w http.ResponseWriter, r *http.Request) {
	request, err := decodePath(strings.TrimPrefix(r.URL.EscapedPath(), "/ocsp/"))
	if err != nil {
		request = nil // which is malformed too
	}
	d.answerOCSP(w, r, request)
}

var errPath = errors.New("not an OCSP request in base64")

// decodePath reads base64 (RFC 4648, section 4) as it stands in an address.
// Clients differ in what they percent-encode, and some leave the padding out.
func decodePath(escaped string) ([]byte, error) {
	const most = (ocsp.MaxRequestSize + 2) / 3 * 4
	if len(escaped) > 3*most {
		return nil, errPath
	}
	text, err := url.PathUnescape(escaped)
	if err != nil || len(text) > most {
		return nil, errPath
	}
	request, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(request) > ocsp.MaxRequestSize || strings.ContainsAny(text, "\r\n") {
		return nil, errPath
	}
	return request, nil
}

// answerOCSP answers with 200, also where OCSP itself says no (RFC 6960, section
// 2.3): malformedRequest is an answer.
func (d *door) answerOCSP(w http.ResponseWriter, r *http.Request, request []byte) {
	response, err := d.ocsp.Respond(r.Context(), request)
	if errors.Is(err, ocsp.ErrInternal) || errors.Is(err, ocsp.ErrTryLater) {
		d.logFailure(r, err)
	}
	h := w.Header()
	if r.Method == http.MethodPost || err != nil || !response.Cacheable {
		h.Set("Cache-Control", "no-store")
		answerDER(w, typeOCSPResponse, response.DER)
		return
	}
	// RFC 5019, section 6.2.
	digest := sha256.Sum256(response.DER)
	cacheUntil(h, digest[:], d.clock(), response.NextUpdate)
	h.Set("Last-Modified", response.ThisUpdate.UTC().Format(http.TimeFormat))
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answerDER(w, typeOCSPResponse, response.DER)
}

var _ Responder = (*ocsp.Responder)(nil)
