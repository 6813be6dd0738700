package rest

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

// waiting is 202: what was asked for is neither done nor refused, but waits for a
// second person.
type waiting struct {
	resource.Approval
	retryAfter time.Duration
}

// Error says so; huma wants an error for what is not an operation's usual answer.
func (w *waiting) Error() string { return w.What + " waits for a second person" }

// GetStatus returns the HTTP status, as huma asks for it.
func (w *waiting) GetStatus() int { return http.StatusAccepted }

// GetHeaders returns where the request stands, and when to look again, in whole
// seconds.
func (w *waiting) GetHeaders() http.Header {
	seconds := (w.retryAfter + time.Second - 1) / time.Second
	return http.Header{
		"Location":    {"/api/v1/approvals/" + w.ID},
		"Retry-After": {strconv.FormatInt(int64(seconds), 10)},
	}
}

// unusual returns the answer to what an operation did not do: it waits, or it was
// refused.
func (d *door) unusual(ctx context.Context, err error) error {
	var w *enroll.Waiting
	if errors.As(err, &w) {
		return &waiting{Approval: approvalOf(w.Approval), retryAfter: w.RetryAfter}
	}
	return d.problem(ctx, err)
}

// waitingResponse describes 202.
func (d *door) waitingResponse() *huma.Response {
	schemas := d.api.OpenAPI().Components.Schemas
	text := func(what string) *huma.Param {
		return &huma.Param{Description: what, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return &huma.Response{
		Description: "Waits for a second person, by the policy of the fleet; asked for again, it may wait again",
		Headers: map[string]*huma.Param{
			"Location":    text("Address of the request that waits"),
			"Retry-After": text("When it may be worth looking again, in seconds"),
		},
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(reflect.TypeFor[resource.Approval](), true, "Approval")},
		},
	}
}
