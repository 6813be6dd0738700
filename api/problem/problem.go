// Package problem is how the REST door says no: enroll's refusals as problem
// details (RFC 9457).
package problem

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// ContentType is the media type of a Problem (RFC 9457, section 6.1).
const ContentType = "application/problem+json"

// Problem is a refusal as a client reads it. It never holds a value that was
// refused, which might be a secret that stood in the wrong place.
type Problem struct {
	// Type is always about:blank: Code tells kinds of problem apart.
	Type   string `json:"type"`
	Title  string `json:"title"` // the status in words
	Status int    `json:"status"`
	Detail string `json:"detail"` // what is wrong, where, and what to do
	// Code is one of the closed set in package enroll.
	Code enroll.Code `json:"code"`
	// Field is the path of the value at fault, such as "quantity"; empty where it
	// is not one value. Errors are all faults where a request has several.
	Field  string  `json:"field,omitempty"`
	Errors []Fault `json:"errors,omitempty"`
	// RequestID is how the operator finds the request in the logs.
	RequestID string `json:"request_id,omitempty"`
	// RetryAfter is the header of that name; zero for none.
	RetryAfter time.Duration `json:"-"`
}

// Fault is what is wrong with one value of a request.
type Fault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Status returns the HTTP status of a code, by the table in the design, section
// 8. A code that is not in it is our fault.
func Status(code enroll.Code) int {
	switch code {
	case enroll.BadRequest:
		return http.StatusBadRequest
	case enroll.Unauthenticated:
		return http.StatusUnauthorized
	case enroll.Forbidden:
		return http.StatusForbidden
	case enroll.NotFound:
		return http.StatusNotFound
	case enroll.OrderFull, enroll.OrderClosed, enroll.CloneSuspected, enroll.KeyInUse,
		enroll.AlreadyEnrolled, enroll.WrongState, enroll.Conflict:
		return http.StatusConflict
	case enroll.TooLarge:
		return http.StatusRequestEntityTooLarge
	case enroll.BadCSR, enroll.WeakKey:
		return http.StatusUnprocessableEntity
	case enroll.RateLimited:
		return http.StatusTooManyRequests
	case enroll.Unavailable:
		return http.StatusServiceUnavailable
	case enroll.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// From returns what the client may be told about err.
func From(ctx context.Context, err error) *Problem {
	refusal := enroll.AsRefusal(err)
	status := Status(refusal.Code)
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: refusal.Message,
		Code: refusal.Code, Field: refusal.Field, RequestID: enroll.RequestID(ctx), RetryAfter: refusal.RetryAfter,
	}
	for _, fault := range refusal.Faults {
		p.Errors = append(p.Errors, Fault(fault))
	}
	return p
}

// Write answers a request with p.
func (p *Problem) Write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil { // texts and numbers always marshal
		panic(err)
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", ContentType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that went away needs no answer
}

// Error returns the code and what is wrong.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus returns the HTTP status, as huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with p, as huma asks for them:
// Retry-After in whole seconds (RFC 9110, section 10.2.3), rounded up.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		seconds := (p.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	return h
}

// ContentType returns the media type, as huma asks for it.
func (p *Problem) ContentType(string) string { return ContentType }
