package est_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity/policy"
)

// path is an Enroller that answers what a test says and remembers what it was
// asked.
type path struct {
	issued  enroll.Issued
	refusal error
	cas     [][]byte
	asked   []enroll.Request
	advice  enroll.Advice
	inquiry enroll.Inquiry // the last one
}

func (p *path) Issue(_ context.Context, r enroll.Request) (enroll.Issued, error) {
	p.asked = append(p.asked, r)
	if p.refusal == nil && r.Fault != nil {
		return enroll.Issued{}, r.Fault
	}
	return p.issued, p.refusal
}

func (p *path) CACertificates() [][]byte { return p.cas }

func (p *path) Advise(_ context.Context, q enroll.Inquiry) (enroll.Advice, error) {
	p.inquiry = q
	return p.advice, p.refusal
}

func newDoor(t testing.TB, p *path) http.Handler {
	t.Helper()
	if p.cas == nil {
		p.cas = [][]byte{certificate(t, "issuing").Raw, certificate(t, "root").Raw}
	}
	if p.issued.DER == nil {
		p.issued.DER = certificate(t, "device").Raw
	}
	if p.advice.Key == "" {
		p.advice.Key = policy.ECDSAP256
	}
	door, err := est.New(est.Config{Service: p, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return door
}

func serve(door http.Handler, r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	door.ServeHTTP(recorder, r)
	return recorder.Result()
}

func TestRefusalsSpeakHTTP(t *testing.T) {
	want := map[enroll.Code]int{
		enroll.BadRequest: 400, enroll.Unauthenticated: 401, enroll.Forbidden: 403, enroll.NotFound: 404,
		enroll.OrderFull: 409, enroll.OrderClosed: 409, enroll.CloneSuspected: 409, enroll.KeyInUse: 409,
		enroll.AlreadyEnrolled: 409, enroll.WrongState: 409, enroll.Conflict: 409, enroll.TooLarge: 413,
		enroll.BadCSR: 400, enroll.WeakKey: 400, enroll.RateLimited: 429, enroll.Unavailable: 503, enroll.Internal: 500,
	}
	for _, code := range enroll.Codes() {
		t.Run(string(code), func(t *testing.T) {
			refusal := enroll.Refuse(code, "so it is")
			refusal.RetryAfter = 1500 * time.Millisecond
			answer := serve(newDoor(t, &path{refusal: refusal}), enrolRequest("/.well-known/est/simpleenroll"))
			if answer.StatusCode != want[code] {
				t.Errorf("status %d, want %d", answer.StatusCode, want[code])
			}
			body := readAll(t, answer)
			if code == enroll.Unauthenticated {
				if body != "" || answer.Header["WWW-Authenticate"] == nil {
					t.Errorf("a 401 has body %q and header %v, want none and WWW-Authenticate", body, answer.Header)
				}
				return
			}
			if body != string(code)+": so it is\n" || answer.Header.Get("Retry-After") != "2" {
				t.Errorf("body %q, Retry-After %q", body, answer.Header.Get("Retry-After"))
			}
		})
	}
}

func TestUnknownErrorsTellNothing(t *testing.T) {
	answer := serve(newDoor(t, &path{refusal: errors.New("the disk is on fire")}), enrolRequest("/.well-known/est/simpleenroll"))
	if body := readAll(t, answer); answer.StatusCode != 500 || contains(body, "fire") {
		t.Errorf("status %d, body %q", answer.StatusCode, body)
	}
}

func TestOtherMethodsAndOperations(t *testing.T) {
	door := newDoor(t, &path{})
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/.well-known/est/cacerts", 405},
		{"HEAD", "/.well-known/est/cacerts", 405},
		{"GET", "/.well-known/est/simpleenroll", 405},
		{"GET", "/o1/.well-known/est/simplereenroll", 405},
		{"PUT", "/.well-known/est/o1/simpleenroll", 405},
		{"POST", "/.well-known/est/fullcmc", 404},
		{"GET", "/.well-known/est/fullcmc", 404},
		{"POST", "/.well-known/est/o1/fullcmc", 404},
		{"POST", "/o1/.well-known/est/fullcmc", 404},
		{"POST", "/.well-known/est/serverkeygen", 404},
		{"GET", "/.well-known/est/o1/serverkeygen", 404},
		{"POST", "/o1/.well-known/est/serverkeygen", 404},
		{"GET", "/.well-known/est/a/b/cacerts", 404},
		{"GET", "/", 404},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			answer := serve(door, httptest.NewRequest(test.method, test.path, nil))
			if answer.StatusCode != test.want {
				t.Errorf("status %d, want %d", answer.StatusCode, test.want)
			}
			body := wantWords(t, answer)
			name := test.path[strings.LastIndex(test.path, "/")+1:]
			if test.want == 404 && !strings.HasPrefix(body, "not_found: "+map[string]string{"fullcmc": "fullcmc is not offered", "serverkeygen": "serverkeygen is not offered"}[name]) {
				t.Errorf("says %q", body)
			}
			if test.want == 405 && answer.Header.Get("Allow") != map[string]string{"cacerts": "GET"}[name] && answer.Header.Get("Allow") != "POST" {
				t.Errorf("allows %q", answer.Header.Get("Allow"))
			}
		})
	}
}

// wantWords fails unless an answer's body is a line or two for people, as RFC 7030,
// section 4.2.3, has it, and returns it.
func wantWords(t *testing.T, answer *http.Response) string {
	t.Helper()
	body := readAll(t, answer)
	h := answer.Header
	if h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Content-Length") != strconv.Itoa(len(body)) ||
		h.Get("X-Content-Type-Options") != "nosniff" || len(answer.TransferEncoding) > 0 {
		t.Errorf("header %v, for %d octets", h, len(body))
	}
	if len(body) > 1000 || strings.Count(body, "\n") != 1 || !strings.HasSuffix(body, "\n") || strings.ContainsAny(body, "<>") ||
		strings.ContainsFunc(strings.TrimSuffix(body, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("no line for people: %q", body)
	}
	return body
}
