package rest

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Bounds of a body, in bytes.
const (
	maxBody     = 64 << 10
	maxListBody = 4 << 20 // where serial numbers are listed
)

// bodyTime is how long a client has for its body.
const bodyTime = 30 * time.Second

// SignedIn stands for the permission of what everybody may do who proved who
// they are.
const SignedIn identity.Permission = "signed-in"

// Owning stands for the permission of what the owner of a device alone may do, and
// Device for that of what a device does over its own certificate.
const (
	Owning identity.Permission = "owner"
	Device identity.Permission = "device"
)

// operation is one line of the API.
type operation struct {
	id         string
	method     string
	path       string
	permission identity.Permission // what enroll.Service asks for; for the document
	summary    string
	status     int // of success, 200 by default
	maxBody    int // maxBody by default
	// content describes an answer that huma cannot see the form of, by media type.
	content map[string]*huma.MediaType
	// waits says that a policy can have it wait for a second person.
	waits bool
	// unhurried says that it may take longer than a listener gives a request.
	unhurried bool
}

// handle adds an operation. f is called with whoever calls, after the input was
// read and found to be of the form described.
func handle[In, Out any](d *door, o operation, f func(context.Context, identity.Principal, *In) (*Out, error)) {
	if o.maxBody == 0 {
		o.maxBody = maxBody
	}
	if o.status == 0 {
		o.status = http.StatusOK
	}
	var around huma.Middlewares
	if o.unhurried {
		around = append(around, unhurried)
	}
	huma.Register(d.api, huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, DefaultStatus: o.status,
		Extensions:      map[string]any{"x-permission": string(o.permission)},
		Responses:       d.responses(o),
		MaxBodyBytes:    int64(o.maxBody) + 1, // huma refuses a body of this length
		BodyReadTimeout: bodyTime,
		Middlewares:     around,
	}, func(ctx context.Context, in *In) (*Out, error) {
		out, err := f(ctx, callerOf(ctx), in)
		if err != nil {
			return nil, d.unusual(ctx, d.Service.Refused(ctx, callerOf(ctx), o.permission, err))
		}
		return out, nil
	})
}

// responses begins an operation's responses: how it refuses, and what is known of
// its success.
func (d *door) responses(o operation) map[string]*huma.Response {
	schema := d.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem.Problem](), true, "Problem")
	responses := map[string]*huma.Response{
		"default": {
			Description: "Refused; code says why",
			Content:     map[string]*huma.MediaType{problem.ContentType: {Schema: schema}},
		},
		strconv.Itoa(o.status): {Description: http.StatusText(o.status), Content: o.content},
	}
	if o.waits {
		responses[strconv.Itoa(http.StatusAccepted)] = d.waitingResponse()
	}
	return responses
}

// problem returns what the client is told about err, and logs what it is not.
func (d *door) problem(ctx context.Context, err error) *problem.Problem {
	p := problem.From(ctx, err)
	if p.Code == enroll.Internal && ctx.Err() == nil {
		d.Log.ErrorContext(ctx, "request failed", "request", p.RequestID, "error", err)
	}
	if errors.Is(err, enroll.ErrNotRecorded) {
		d.Log.ErrorContext(ctx, "a refusal is not in the audit log yet; it was counted and follows", "request", p.RequestID, "error", err)
	}
	return p
}

// pageIn returns the part of a list that is asked for.
func pageIn(p resource.Page) enroll.Page { return enroll.Page{After: p.After, Limit: p.Limit} }

// answer is an answer in JSON.
type answer[T any] struct{ Body T }

// nothing is an answer without a body.
type nothing struct{}

func answerOf[T any](body T) *answer[T] { return &answer[T]{Body: body} }
