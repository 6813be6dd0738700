package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/cmd/touchmark/metrics"
)

// traced gives each request of a listener an id and a line in the log.
func traced(listener string, c rest.TraceConfig, next http.Handler) http.Handler {
	c.Log = c.Log.With("listener", listener)
	return rest.Trace(c, next)
}

// counted gives each request of a listener a place in the metrics.
func counted(listener string, counted *metrics.Metrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			// net/http takes chunks where a length stands beside them, and keeps quiet
			// about it. What follows may have been smuggled past a proxy: RFC 9112,
			// section 6.1, has the connection closed.
			w.Header().Set("Connection", "close")
		}
		answer := &counter{ResponseWriter: w, status: http.StatusOK}
		defer func() { counted.Request(listener, answer.status) }()
		next.ServeHTTP(answer, r)
	})
}

// counter notes the status of an answer.
type counter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (c *counter) WriteHeader(status int) {
	if status >= http.StatusOK { // 1xx announce another
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// busy returns log for the listeners that the world asks all the time: requests
// that went well are only worth a line while everything is logged.
func busy(log *slog.Logger) *slog.Logger { return slog.New(troubleOnly{log.Handler()}) }

// troubleOnly is a slog.Handler for warnings and errors, and for all while there is
// debugging.
type troubleOnly struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h troubleOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || h.Handler.Enabled(ctx, slog.LevelDebug))
}

// WithAttrs implements slog.Handler.
func (h troubleOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return troubleOnly{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h troubleOnly) WithGroup(name string) slog.Handler {
	return troubleOnly{h.Handler.WithGroup(name)}
}
