package server

import (
	"io"
	"net/http"
	"time"
)

// maxDrained bounds in octets what is read of a body that nobody wanted, as net/http
// bounds it where a connection stays open.
const maxDrained = 256 << 10

// drainTime is how long is waited for such a body. The answer waits with it, for it
// leaves when the handler is done.
const drainTime = time.Second

// drained reads what next left of a request's body where the connection ends with the
// answer. net/http reads it only where the connection stays open; and what is closed
// with something unread is reset, and takes the answer with it: Bouncy Castle's EST
// client never saw the 401 that told it to come with its ticket. A client that waits to
// be told to go on (RFC 9110, section 10.1.1) has not sent its body; and one that has
// more to send than is read would be reset anyway.
func drained(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if !r.Close || r.ContentLength == 0 || r.ContentLength > maxDrained || r.Header.Get("Expect") != "" {
			return
		}
		if http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime)) == nil {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrained) // as far as it comes in time
		}
	})
}
