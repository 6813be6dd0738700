package enroll

import "context"

type requestIDKey struct{}

// WithRequestID returns a context that carries the id under which a request is
// found in logs and events.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the request's id, or nothing outside a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
