package rest

import (
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// unhurried lifts the deadlines that the listener gives a request: that of reading
// would end its context, that of writing its answer.
func unhurried(ctx huma.Context, next func(huma.Context)) {
	inner := ctx
	if e, ok := ctx.(*exchange); ok {
		inner = e.humaContext
	}
	_, w := humachi.Unwrap(inner)
	connection := http.NewResponseController(w)
	// Writers that have no deadline need none lifted.
	err := errors.Join(connection.SetReadDeadline(time.Time{}), connection.SetWriteDeadline(time.Time{}))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		panic(err)
	}
	next(ctx)
}
