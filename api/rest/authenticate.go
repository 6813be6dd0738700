package rest

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// caller is the key of the principal in an operation's context. Only admit sets
// it.
type caller struct{}

func callerOf(ctx context.Context) identity.Principal {
	p, _ := ctx.Value(caller{}).(identity.Principal)
	return p
}

// admit stands before every operation: nobody gets at a body, or at anything,
// before they have proved who they are.
func (d *door) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	about := enroll.WithTarget(r.Context(), targetOf(ctx))
	r = r.WithContext(about)
	p, err := d.authenticate(r, ctx.Operation().OperationID)
	if err != nil {
		refusal := d.problem(r.Context(), err)
		if refusal.Code == enroll.Unauthenticated {
			w.Header().Set("WWW-Authenticate", challenge(r))
		}
		refusal.Write(w)
		return
	}
	if !bodyIsJSON(r) {
		problem.From(r.Context(), enroll.Refuse(enroll.BadRequest, "a body must be JSON; send it with Content-Type: application/json")).Write(w)
		return
	}
	if name := repeated(ctx.Operation(), r.URL.Query()); name != "" {
		problem.From(r.Context(), enroll.RefuseField(name, "the parameter stands in the address more than once")).Write(w)
		return
	}
	next(&exchange{humaContext: ctx, ctx: context.WithValue(about, caller{}, p)})
}

// repeated returns a parameter that an operation takes once and the address has more
// often: huma would take the first, and whoever stands before us maybe the last.
func repeated(o *huma.Operation, query url.Values) string {
	for _, p := range o.Parameters {
		if p.In == "query" && p.Schema.Type != huma.TypeArray && len(query[p.Name]) > 1 {
			return p.Name
		}
	}
	return ""
}

// challenge is what a 401 asks for; RFC 6750, section 3, has an error only where
// a token was shown.
func challenge(r *http.Request) string {
	if r.Header.Get("Authorization") == "" {
		return "Bearer"
	}
	return `Bearer error="invalid_token"`
}

// byToken takes the break-glass token, a scoped token or one of a provider.
func (d *door) byToken(r *http.Request, operation string) (identity.Principal, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return identity.Principal{}, enroll.Refuse(enroll.Unauthenticated, "sign in: send Authorization: Bearer and an access token")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.Trim(token, " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return identity.Principal{}, enroll.Refuse(enroll.Unauthenticated, "the header Authorization is Bearer, a space and an access token, once")
	}
	if enroll.IsBreakGlassToken(token) {
		return d.Service.BreakGlassPrincipal(r.Context(), token, sourceOf(r), operation)
	}
	if enroll.IsScopedToken(token) {
		return d.Service.TokenPrincipal(r.Context(), token, sourceOf(r))
	}
	p, err := d.Tokens.Verify(r.Context(), token)
	if err != nil {
		return p, err
	}
	return p, d.Service.Arrived(r.Context(), p)
}

// byCertificate takes a certificate of our own whose key the client proved to
// hold when it connected, or else what byToken takes.
func (d *door) byCertificate(r *http.Request, operation string) (identity.Principal, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 || r.Header.Get("Authorization") != "" {
		return d.byToken(r, operation)
	}
	return d.Service.CertificatePrincipal(r.Context(), r.TLS.PeerCertificates[0].Raw)
}

// bodyIsJSON reports whether a request's body, if it has one, says that it is
// JSON. Browsers cannot be made to say so across origins without being asked.
func bodyIsJSON(r *http.Request) bool {
	if r.ContentLength == 0 || r.Method == http.MethodGet {
		return true
	}
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, given := parameters["charset"]
	return err == nil && mediaType == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}
