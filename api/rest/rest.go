package rest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Tokens tells who holds a bearer token. *oidc.Verifier is one.
type Tokens interface {
	// Verify returns whom the token was issued to, or an enroll.Refusal with
	// Unauthenticated or Unavailable.
	Verify(ctx context.Context, token string) (identity.Principal, error)
}

// Backuper is a store that can be copied while it is in use; store.Backuper says
// more.
type Backuper interface {
	Backup(ctx context.Context, w io.Writer) (int64, error)
}

// Compacter is a store that can give back room while it is in use; store.Compacter
// says more.
type Compacter interface {
	Compact(ctx context.Context) (before, after int64, err error)
}

// Config is what the door needs.
type Config struct {
	Service *enroll.Service
	Tokens  Tokens
	Backup  Backuper  // nil where the store has its own means
	Compact Compacter // likewise
	Version string    // of this server, for the OpenAPI document
	Rand    io.Reader // of request ids
	Clock   func() time.Time
	Log     *slog.Logger
}

// door holds what the operations stand on.
type door struct {
	Config
	api huma.API
	// authenticate tells who calls an operation.
	authenticate func(r *http.Request, operation string) (identity.Principal, error)
}

// New returns the handler of the api listener: every operation, for bearer
// tokens, and /openapi.json. It is wrapped in Trace.
func New(c Config) http.Handler {
	router := newRouter()
	d := newDoor(c, router)
	d.authenticate = d.byToken
	d.addOrders()
	d.addEnrol()
	d.addDevices()
	d.addOwners()
	d.addUsers()
	d.addClaimCodes()
	d.addClaims()
	d.addTransfers()
	d.addJobs()
	d.addCertificates()
	d.addFleets()
	d.addGrants()
	d.addRoles()
	d.addApprovals()
	d.addExplain()
	d.addAudit()
	d.addInstallation()
	d.addTokens()
	router.Get("/openapi.json", d.document())
	return Trace(TraceConfig{Rand: c.Rand, Clock: c.Clock, Log: c.Log}, private(router))
}

// EnrolHandler returns the handler of what stations and devices call, for the device
// listener: POST /api/v1/orders/{id}/devices, POST /api/v1/devices/{id}/claim-code
// and /api/v1/claims. It takes a client certificate of our own, which TLS asked
// for but need not have judged, or else a bearer token.
func EnrolHandler(c Config) http.Handler {
	_, router := newEnrolDoor(c)
	return Trace(TraceConfig{Rand: c.Rand, Clock: c.Clock, Log: c.Log}, private(router))
}

// EnrolDocument serves the OpenAPI document of EnrolHandler, which does not serve it
// itself: devices have no use for it.
func EnrolDocument(c Config) http.Handler {
	d, _ := newEnrolDoor(c)
	return d.document()
}

func newEnrolDoor(c Config) (*door, http.Handler) {
	router := newRouter()
	d := newDoor(c, router)
	d.authenticate = d.byCertificate
	d.addEnrol()
	d.addClaimCodes()
	d.addStartedClaims()
	return d, router
}

func newDoor(c Config, router chi.Router) *door {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &door{Config: c}
	d.api = humachi.New(router, d.humaConfig())
	d.api.UseMiddleware(d.admit)
	return d
}

// newRouter returns a router whose own refusals are problems too.
func newRouter() *chi.Mux {
	router := chi.NewRouter()
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		problem.From(r.Context(), enroll.Refuse(enroll.NotFound, "there is nothing at this address; /openapi.json lists what there is")).Write(w)
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		// RFC 9110, section 15.5.6, wants Allow, which chi keeps to itself.
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
			if router.Match(chi.NewRouteContext(), method, r.URL.Path) {
				w.Header().Add("Allow", method)
			}
		}
		p := problem.From(r.Context(), enroll.Refuse(enroll.BadRequest, "this address does not take the method; the header Allow lists what it takes"))
		p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
		p.Write(w)
	})
	return router
}

// private keeps answers out of caches and browsers' guesses.
func private(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
