package admit

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
)

// busy is what whoever is turned away is told.
const busy = "the service has more to do than it can; nothing was done, send the same again after the time in Retry-After"

// answers are how a listener turns requests away. They are made once: what is sent
// costs no thought. They carry no request id, for the log has no line about each.
type answers struct {
	problem, text, ocsp answer
	at                  Listener
	turn                atomic.Uint64
}

type answer struct {
	mediaType []string
	length    []string
	body      []byte
}

func answersOf(at Listener) *answers {
	told, err := json.Marshal(problem.From(context.Background(), enroll.Refuse(enroll.Unavailable, busy)))
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return &answers{
		at:      at,
		problem: answerOf(problem.ContentType, append(told, '\n')),
		text:    answerOf("text/plain; charset=utf-8", []byte(string(enroll.Unavailable)+": "+busy+"\n")),
		// tryLater (RFC 6960, section 4.2.1), for clients that read no status.
		ocsp: answerOf("application/ocsp-response", []byte{0x30, 0x03, 0x0a, 0x01, 0x03}),
	}
}

func answerOf(mediaType string, body []byte) answer {
	return answer{mediaType: []string{mediaType}, length: []string{strconv.Itoa(len(body))}, body: body}
}

// write answers 503 with Retry-After (RFC 9110, section 15.6.4), in the door's
// language.
func (a *answers) write(w http.ResponseWriter, r *http.Request, class Class) {
	said := &a.text
	switch {
	case a.at == API, a.at == Device && strings.HasPrefix(r.URL.Path, "/api/"):
		said = &a.problem
	case a.at == Public && strings.HasPrefix(r.URL.Path, "/ocsp"):
		said = &a.ocsp
	}
	h := w.Header()
	h["Content-Type"] = said.mediaType
	h["Content-Length"] = said.length
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Retry-After"] = []string{strconv.Itoa(a.retryAfter(class))}
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_, _ = w.Write(said.body) // a client that went away needs no answer
	}
}

// Retry-After in seconds: from least on, over a spread, so that those who were turned
// away together do not come back together. What matters comes back sooner.
const (
	soonest, soonSpread = 1, 3
	latest, lateSpread  = 5, 11
)

func (a *answers) retryAfter(class Class) int {
	// Multiples of the golden ratio spread evenly, and need no randomness.
	turn := a.turn.Add(1) * 0x9e3779b97f4a7c15 >> 32
	if class <= Renew {
		return soonest + int(turn*soonSpread>>32)
	}
	return latest + int(turn*lateSpread>>32)
}
