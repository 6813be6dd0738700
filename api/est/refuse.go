package est

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// status is this door's table from the closed set of codes to HTTP.
func status(code enroll.Code) int {
	switch code {
	case enroll.BadRequest, enroll.BadCSR, enroll.WeakKey:
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

// refuse answers err, and logs it where the client may not know it.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal := enroll.AsRefusal(err)
	if refusal.Code == enroll.Internal && r.Context().Err() == nil {
		d.log.ErrorContext(r.Context(), "EST request failed",
			"request", enroll.RequestID(r.Context()), "operation", r.URL.Path, "error", err)
	}
	answerRefusal(w, refusal)
}

// answerRefusal writes a refusal in words for people: RFC 7030, section 4.2.3,
// allows text/plain. A 401 says nothing at all.
func answerRefusal(w http.ResponseWriter, refusal *enroll.Refusal) {
	h := w.Header()
	if refusal.Code == enroll.Unauthenticated {
		// Set would write Www-Authenticate, which is the same to HTTP but not to all
		// clients.
		h["WWW-Authenticate"] = []string{`Basic realm="Touchmark"`}
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if refusal.RetryAfter > 0 {
		seconds := (refusal.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	text := refusal.Error() + "\n"
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status(refusal.Code))
	_, _ = io.WriteString(w, text)
}
