package enroll

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code says, in one of a closed set of words, why a request was refused. Each
// door has one table that turns codes into its own language.
type Code string

// Every code there is.
const (
	BadRequest      Code = "bad_request"
	Unauthenticated Code = "unauthenticated"
	Forbidden       Code = "forbidden"
	NotFound        Code = "not_found"
	OrderFull       Code = "order_full"
	OrderClosed     Code = "order_closed"
	CloneSuspected  Code = "clone_suspected"
	KeyInUse        Code = "key_in_use"
	AlreadyEnrolled Code = "already_enrolled"
	WrongState      Code = "wrong_state"
	Conflict        Code = "conflict"
	TooLarge        Code = "too_large"
	BadCSR          Code = "bad_csr"
	WeakKey         Code = "weak_key"
	RateLimited     Code = "rate_limited"
	Unavailable     Code = "unavailable"
	Internal        Code = "internal"
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		BadRequest, Unauthenticated, Forbidden, NotFound, OrderFull, OrderClosed, CloneSuspected, KeyInUse,
		AlreadyEnrolled, WrongState, Conflict, TooLarge, BadCSR, WeakKey, RateLimited, Unavailable, Internal,
	}
}

// Refusal is the answer no. Its Message may be shown to the client: it says
// what is wrong, where and what to do, and tells nothing of anybody else.
type Refusal struct {
	Code    Code
	Message string
	// Field is the path of the value at fault, such as "quantity"; empty where it
	// is not one value.
	Field string
	// Faults are all that is wrong, where a request has several faults.
	Faults []Fault
	// RetryAfter is when it may be worth asking again; zero for never.
	RetryAfter time.Duration

	at       *place // where the thing stands that it is about; nil where that is not known
	recorded bool   // it stands in the log, or is counted
}

// Fault is what is wrong with one value of a request.
type Fault struct {
	Field  string // its path, such as "policy.keys[2]"
	Detail string
}

// Error returns the code and the message.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Message }

// Refuse makes a Refusal.
func Refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// RefuseField makes a Refusal of one value of a request.
func RefuseField(field, format string, args ...any) *Refusal {
	return &Refusal{Code: BadRequest, Field: field, Message: fmt.Sprintf(format, args...)}
}

// usualRetry is when to ask again where nothing better is known.
const usualRetry = 5 * time.Second

// AsRefusal returns what a client may be told about err: the refusal in its
// chain, or Unavailable for a store that cannot answer now or in time and for a
// request that its caller gave up, or else Internal, which tells nothing.
func AsRefusal(err error) *Refusal {
	var r *Refusal
	switch {
	case errors.As(err, &r):
		if r.RetryAfter <= 0 && (r.Code == RateLimited || r.Code == Unavailable) {
			later := *r
			later.RetryAfter = usualRetry
			return &later
		}
		return r
	case errors.Is(err, context.Canceled) && !errors.Is(err, ErrStoreUnavailable):
		return &Refusal{
			Code: Unavailable, RetryAfter: usualRetry,
			Message: "the request was given up before it could be answered; send it again, and leave the connection open for the answer",
		}
	case errors.Is(err, ErrStoreUnavailable), errors.Is(err, context.DeadlineExceeded):
		return &Refusal{Code: Unavailable, Message: "the service cannot record anything right now; try again", RetryAfter: usualRetry}
	default:
		return &Refusal{Code: Internal, Message: "internal error; the operator finds it in the log under this request's id"}
	}
}
