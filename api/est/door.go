package est

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// Enroller is the one path, as this door needs it. *enroll.Service is one.
type Enroller interface {
	// Issue takes a request down the one path.
	Issue(context.Context, enroll.Request) (enroll.Issued, error)
	// CACertificates returns the issuers and the anchor, in DER. They do not change
	// while the process lives.
	CACertificates() [][]byte
	// Advise says what a device had best ask for.
	Advise(context.Context, enroll.Inquiry) (enroll.Advice, error)
}

// Config is what the door needs.
type Config struct {
	Service Enroller
	// ServerKeygen has the door make keys for devices that ask for one (RFC 7030,
	// section 4.4). Without it the operation is not there.
	ServerKeygen bool
	Log          *slog.Logger
}

const wellKnown = "/.well-known/est"

type door struct {
	service Enroller
	log     *slog.Logger
	// caCerts is a whole body: it never changes.
	caCerts []byte
}

// New returns the handler of everything below /.well-known/est and
// /{order}/.well-known/est. It expects the id of each request in its context
// (enroll.WithRequestID), and client certificates that TLS asked for but did not
// judge.
func New(c Config) (http.Handler, error) {
	packed, err := ca.CertsOnly(c.Service.CACertificates()...)
	if err != nil {
		return nil, fmt.Errorf("prepare the answer of EST cacerts: %w", err)
	}
	d := &door{service: c.Service, log: c.Log, caCerts: transferEncode(packed)}

	router := chi.NewRouter()
	router.NotFound(answerNotFound)
	router.MethodNotAllowed(answerWrongMethod)
	for _, base := range []string{wellKnown, wellKnown + "/{order}", "/{order}" + wellKnown} {
		router.Get(base+"/cacerts", d.getCACerts)
		router.Get(base+"/csrattrs", d.getCSRAttrs)
		router.Post(base+"/simpleenroll", d.postSimpleEnroll)
		router.Post(base+"/simplereenroll", d.postSimpleReenroll)
		if c.ServerKeygen {
			router.Post(base+"/serverkeygen", d.postServerKeygen)
		}
	}
	return router, nil
}

// Media types of RFC 7030, section 4.
const (
	typePKCS10   = "application/pkcs10"
	typePKCS7    = "application/pkcs7-mime; smime-type=certs-only"
	typeCSRAttrs = "application/csrattrs"
)

func (d *door) getCACerts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	answer(w, typePKCS7, d.caCerts)
}

// answer writes a body that transferEncode made.
func answer(w http.ResponseWriter, mediaType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	// RFC 8951 has clients ignore this header; those of RFC 7030 insist on it.
	h.Set("Content-Transfer-Encoding", "base64")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that went away comes back and is recalled
}

// transferEncode returns der as it travels: one line of base64 and one newline.
func transferEncode(der []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(der))
	body := make([]byte, n+1)
	base64.StdEncoding.Encode(body, der)
	body[n] = '\n'
	return body
}
