package server

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"net/http/pprof"
	"path"
	"strings"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/status"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/oidc"
	"github.com/touchmark/touchmark/store"
)

// responderLifetime is that of the OCSP responders' certificates.
const responderLifetime = ca.DefaultLifetime

// wire makes the doors and binds the listeners.
func (s *server) wire(ctx context.Context) error {
	device, api, err := s.tlsDoors()
	if err != nil {
		return err
	}
	if err := s.makeResponder(); err != nil {
		return err
	}
	public, err := s.statusDoor(s.Settings)
	if err != nil {
		return err
	}
	s.publicDoor.set(public)
	s.metricsDoor.set(s.newMetricsDoor(s.Settings))
	trace := rest.TraceConfig{Rand: s.Rand, Clock: s.Clock, Log: s.Log}
	quiet := trace
	quiet.Log = busy(s.Log)
	for _, at := range []struct {
		name    string
		bind    config.Bind
		trace   rest.TraceConfig
		handler http.Handler
	}{
		{"device", s.Settings.Device, trace, device},
		{"api", s.Settings.API, trace, api},
		{"status", s.Settings.Status, quiet, &s.publicDoor},
		{"metrics", s.Settings.Metrics, quiet, &s.metricsDoor},
	} {
		if at.bind.Addr == "" {
			continue
		}
		// What is turned away is counted, and has no line in the log.
		handler := s.admitted(at.name, traced(at.name, at.trace, at.handler))
		l, err := bind(ctx, at.name, at.bind, counted(at.name, s.metrics, drained(handler)), s.Log)
		if err != nil {
			s.closeListeners()
			return err
		}
		switch at.name {
		case "device":
			l.secure(deviceTLS(s.own.get))
			s.admitHandshakes(l, admit.Connect)
		case "api":
			l.server.Protocols.SetHTTP2(true)
			l.secure(apiTLS(s.own.get))
			s.admitHandshakes(l, admit.ConnectAPI)
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// tlsDoors makes what is on the device and the api listener.
func (s *server) tlsDoors() (device, api http.Handler, err error) {
	backup, _ := s.store.(store.Backuper) // others have their own means
	c := rest.Config{
		Service: s.service, Tokens: s.tokens, Backup: backup, Compact: compacterOf(s.store), Version: s.Version, Rand: s.Rand, Clock: s.Clock, Log: s.Log,
	}
	enrolment, err := est.New(est.Config{Service: s.service, ServerKeygen: s.Settings.ServerKeygen, Log: s.Log})
	if err != nil {
		return nil, nil, err
	}
	stations := rest.EnrolHandler(c)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// No mux: it would answer an address with two slashes by a redirect, which EST
		// clients do not follow.
		if strings.HasPrefix(r.URL.Path, "/api/") {
			stations.ServeHTTP(w, r)
			return
		}
		enrolment.ServeHTTP(w, r)
	}), rest.New(c), nil
}

// verifier makes what tells who holds a provider's token.
func (s *server) verifier(settings *config.Settings, a anchors) (*oidc.Verifier, error) {
	c := settings.OIDC
	c.Clock, c.Log, c.HTTPClient = s.now, s.Log, a.client
	if s.tokens != nil {
		return s.tokens.current.Load().Anew(c)
	}
	return oidc.New(c)
}

// makeResponder makes what answers OCSP requests.
func (s *server) makeResponder() (err error) {
	s.responder, err = ocsp.New(ocsp.Config{
		Issuers:  s.service.Issuers,
		Lookup:   s.lookUp,
		Certify:  s.certifyResponder,
		CaughtUp: s.service.CaughtUp,
		Span:     s.span,
		Log:      s.Log,
	})
	if err == nil {
		s.service.OnWithdrawn(s.responder.Drop)
	}
	return err
}

func (s *server) statusDoor(settings *config.Settings) (http.Handler, error) {
	return status.New(status.Config{
		Source: s.service, OCSP: countedOCSP{s.responder, s.metrics.OCSP}, ParentCRLs: settings.ParentCRLs,
		Ready: s.ready, Clock: s.now, Log: s.Log,
	})
}

// lookUp is what a responder does for an answer that it does not keep.
func (s *server) lookUp(ctx context.Context, serial ca.Serial) (ocsp.Status, error) {
	s.metrics.OCSPLookup()
	return s.service.OCSPStatus(ctx, serial)
}

// certifyResponder signs an OCSP responder's certificate (RFC 6960, section
// 4.2.2.2).
func (s *server) certifyResponder(ctx context.Context, issuer string, key crypto.PublicKey) ([]byte, error) {
	issued, err := s.service.IssueOwn(ctx, enroll.Own{
		Purpose: ca.PurposeOCSPResponder, Issuer: issuer, Key: key, CommonName: "Touchmark OCSP responder", Lifetime: responderLifetime,
	})
	return issued.DER, err
}

// countedOCSP counts how answers came about.
type countedOCSP struct {
	status.Responder
	count func(outcome string)
}

// Respond implements status.Responder.
func (c countedOCSP) Respond(ctx context.Context, request []byte) (ocsp.Response, error) {
	response, err := c.Responder.Respond(ctx, request)
	switch {
	case err == nil:
		c.count("answered")
	case errors.Is(err, ocsp.ErrMalformed):
		c.count("malformed")
	case errors.Is(err, ocsp.ErrUnauthorized):
		c.count("unauthorized")
	case errors.Is(err, ocsp.ErrTryLater):
		c.count("try_later")
	default:
		c.count("internal")
	}
	return response, err
}

// newMetricsDoor makes what is on the metrics listener.
func (s *server) newMetricsDoor(settings *config.Settings) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	if settings.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would answer an address that is not clean by a redirect.
		if r.URL.Path != path.Clean(r.URL.Path) && r.URL.Path != "/debug/pprof/" {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
