package status

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/touchmark/touchmark/enroll"
)

// MaxAge is the longest that a cache may keep a CRL or an OCSP answer.
const MaxAge = time.Minute

// Source is what is published. *enroll.Service is one. What is not there is an
// enroll.Refusal with NotFound.
type Source interface {
	// CRL returns a shard's last CRL, DER, and its nextUpdate.
	CRL(ctx context.Context, issuer, shard string) (der []byte, next time.Time, err error)
	// CRLBundle yields the CRL of every live shard of an issuer, DER, until yield
	// returns an error. It yields nothing before it knows the issuer.
	CRLBundle(ctx context.Context, issuer string, yield func(der []byte) error) error
	// IssuerCertificate returns an issuer's certificate, DER.
	IssuerCertificate(ctx context.Context, id string) (der []byte, err error)
}

// Config is what the door needs.
type Config struct {
	Source Source
	OCSP   Responder
	// ParentCRLs are files with the CRLs of the CAs above the issuers, DER or PEM.
	// They are read again when they change, so that whoever runs those CAs only
	// has to replace them.
	ParentCRLs []string
	// Ready returns nil while requests can be served, or why they cannot be, in
	// words that anybody may read.
	Ready func(context.Context) error
	Clock func() time.Time
	Log   *slog.Logger
}

type door struct {
	source  Source
	ocsp    Responder
	parents []*parentCRL
	ready   func(context.Context) error
	clock   func() time.Time
	log     *slog.Logger
}

// New returns the handler of the whole listener. It must not stand behind a mux
// that cleans paths: an OCSP request in an address may hold two slashes in a row.
// It fails where a parent CRL cannot be read.
func New(c Config) (http.Handler, error) {
	d := &door{source: c.Source, ocsp: c.OCSP, ready: c.Ready, clock: c.Clock, log: c.Log}
	for _, path := range c.ParentCRLs {
		parent, err := openParentCRL(path)
		if err != nil {
			return nil, err
		}
		d.parents = append(d.parents, parent)
	}

	router := chi.NewRouter()
	router.Use(middleware.GetHead)
	router.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		answerText(w, http.StatusNotFound, "not found")
	})
	router.Get("/crl/{issuer}/bundle.pem", d.getBundle)
	router.Get("/crl/{issuer}/{shard}.crl", d.getCRL)
	router.Get("/issuer/{issuer}.cer", d.getIssuer)
	router.Post("/ocsp", d.postOCSP)
	router.Post("/ocsp/", d.postOCSP)
	router.Get("/ocsp/*", d.getOCSP)
	router.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { answerText(w, http.StatusOK, "ok") })
	router.Get("/readyz", d.getReady)
	return router, nil
}

func (d *door) getReady(w http.ResponseWriter, r *http.Request) {
	if err := d.ready(r.Context()); err != nil {
		answerText(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answerText(w, http.StatusOK, "ready")
}

func (d *door) getIssuer(w http.ResponseWriter, r *http.Request) {
	der, err := d.source.IssuerCertificate(r.Context(), chi.URLParam(r, "issuer"))
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	answerDER(w, "application/pkix-cert", der)
}

// refuse answers err, and logs it where the client may not know it.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal := enroll.AsRefusal(err)
	switch refusal.Code {
	case enroll.NotFound, enroll.BadRequest:
		answerText(w, http.StatusNotFound, "not found")
	case enroll.Unavailable:
		w.Header().Set("Retry-After", "5")
		answerText(w, http.StatusServiceUnavailable, refusal.Message)
	default:
		d.logFailure(r, err)
		answerText(w, http.StatusInternalServerError, "internal error")
	}
}

func (d *door) logFailure(r *http.Request, err error) {
	if r.Context().Err() == nil {
		d.log.ErrorContext(r.Context(), "status request failed",
			"request", enroll.RequestID(r.Context()), "path", r.URL.EscapedPath(), "error", err)
	}
}

func answerDER(w http.ResponseWriter, mediaType string, der []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(der)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(der)
}

func answerText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
