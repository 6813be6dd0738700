package est

import (
	"errors"
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

// refuse answers err, and logs it where the client may not know it. What waits is
// not refused.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var waiting *enroll.Waiting
	if errors.As(err, &waiting) {
		answerWaiting(w, waiting)
		return
	}
	refusal := enroll.AsRefusal(err)
	if refusal.Code == enroll.Internal && r.Context().Err() == nil {
		d.log.ErrorContext(r.Context(), "EST request failed",
			"request", enroll.RequestID(r.Context()), "operation", r.URL.EscapedPath(), "error", err)
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
		setRetryAfter(h, refusal.RetryAfter)
	}
	answerText(w, status(refusal.Code), refusal.Error()+"\n")
}

// answerWaiting is RFC 7030, section 4.2.3, where somebody has to approve first: 202
// with Retry-After. The device comes back with the same request.
func answerWaiting(w http.ResponseWriter, waiting *enroll.Waiting) {
	setRetryAfter(w.Header(), waiting.RetryAfter)
	answerText(w, http.StatusAccepted, "waiting: request "+string(waiting.Approval.ID)+" waits for somebody to approve; send the same again\n")
}

// setRetryAfter says when to ask again, in whole seconds, rounded up.
func setRetryAfter(h http.Header, after time.Duration) {
	seconds := (after + time.Second - 1) / time.Second
	h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
}

func answerText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
