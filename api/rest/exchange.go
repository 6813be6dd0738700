package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/api/rest/strictjson"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type humaContext = huma.Context

// exchange is huma's context with three changes: it carries the caller, every
// body is JSON whatever Accept says and however Content-Type spells it, and the
// status of a refusal is ours.
type exchange struct {
	humaContext
	ctx    context.Context
	status int  // of the refusal that is being written; 0 for none
	broken bool // the body could not be read, which is the client's fault
}

// BodyReader notes that the body is broken, which huma takes for its own fault.
func (e *exchange) BodyReader() io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := e.humaContext.BodyReader().Read(p)
		e.broken = e.broken || err != nil && !errors.Is(err, io.EOF)
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (e *exchange) Context() context.Context { return e.ctx }

func (e *exchange) Header(name string) string {
	if name == "Accept" || name == "Content-Type" { // admit has judged the latter
		return "application/json"
	}
	return e.humaContext.Header(name)
}

func (e *exchange) SetStatus(status int) {
	if e.status != 0 {
		status = e.status
	}
	e.humaContext.SetStatus(status)
}

// humaConfig is huma without its own pages, its $schema members, and its words
// for refusals.
func (d *door) humaConfig() huma.Config {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	schemas.RegisterTypeAlias(reflect.TypeFor[resource.Moment](), reflect.TypeFor[time.Time]())
	schemas.RegisterTypeAlias(reflect.TypeFor[parameter](), reflect.TypeFor[time.Time]())
	schemas.RegisterTypeAlias(reflect.TypeFor[resource.PolicyText](), reflect.TypeFor[policyForm]())
	asJSON := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: readJSON}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Touchmark", Version: d.Version,
				Description: "X.509 identities for devices: orders and tickets, devices and their certificates, revocation, the audit log.",
			},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "An access token of a configured OpenID Connect provider, a scoped token, or the break-glass token"},
			}},
			Security: []map[string][]string{{"bearer": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": asJSON, problem.ContentType: asJSON},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{refuseInOurWords},
	}
}

// readJSON takes JSON of one meaning alone, and keeps encoding/json's errors from
// quoting the body. A policy is judged with all its faults by package policy, which is
// as strict.
func readJSON(text []byte, into any) error {
	if err := strictjson.Check(text, "policy"); err != nil {
		return fmt.Errorf("not JSON as the API takes it: %w", err)
	}
	err := json.Unmarshal(text, into)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not valid JSON at byte %d", syntax.Offset)
	case err != nil:
		return errors.New("not the JSON that the API describes")
	}
	return nil
}

// maxFaults bounds how many faults of a request are told at once.
const maxFaults = 20

// refuseInOurWords is a huma.Transformer: where huma refuses a request, it
// replaces huma's error, which quotes what was refused.
func refuseInOurWords(ctx huma.Context, _ string, answer any) (any, error) {
	theirs, ok := answer.(*huma.ErrorModel)
	if !ok {
		return answer, nil
	}
	e, _ := ctx.(*exchange)
	refusal := refusalOf(theirs)
	if e != nil && e.broken && theirs.Status >= http.StatusInternalServerError {
		refusal = enroll.Refuse(enroll.BadRequest, "the body ended early, or its chunks are broken; send it again")
		theirs.Errors = nil
	}
	p := problem.From(ctx.Context(), refusal)
	for _, detail := range theirs.Errors[:min(len(theirs.Errors), maxFaults)] {
		p.Errors = append(p.Errors, problem.Fault{Field: fieldOf(detail.Location), Detail: detail.Message})
	}
	if len(theirs.Errors) == 1 {
		p.Field, p.Detail, p.Errors = p.Errors[0].Field, p.Errors[0].Detail, nil
	}
	ctx.SetHeader("Content-Type", problem.ContentType)
	if e != nil {
		e.status = p.Status
	}
	return p, nil
}

func refusalOf(theirs *huma.ErrorModel) error {
	switch theirs.Status {
	case http.StatusRequestEntityTooLarge:
		return enroll.Refuse(enroll.TooLarge, "the body is longer than this call takes")
	case http.StatusRequestTimeout:
		return enroll.Refuse(enroll.BadRequest, "the body did not arrive in time")
	}
	if theirs.Status >= http.StatusInternalServerError {
		return errors.New(theirs.Detail)
	}
	if len(theirs.Errors) == 0 {
		return enroll.Refuse(enroll.BadRequest, "%s", theirs.Detail)
	}
	return enroll.Refuse(enroll.BadRequest, "the request has %d faults", len(theirs.Errors))
}

// fieldOf turns huma's location, such as "body.serials[1]", into a field. A field
// of a name that the client made up is not repeated at length, nor with what moves a
// terminal's cursor.
func fieldOf(location string) string {
	_, field, _ := strings.Cut(location, ".")
	if len(field) > 64 {
		return identity.Escaped(strings.ToValidUTF8(field[:64], "")) + "…"
	}
	return identity.Escaped(field)
}

// document returns the handler of the OpenAPI document, which does not change.
func (d *door) document() http.HandlerFunc {
	schemas := d.api.OpenAPI().Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's, which nothing here answers with
	delete(schemas, "ErrorDetail")
	body, err := json.Marshal(d.api.OpenAPI())
	if err != nil {
		panic(err) // a type that no test could have passed with
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}
