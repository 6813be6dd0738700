package admit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestClassOfRequests(t *testing.T) {
	for _, test := range []struct {
		at           admit.Listener
		method, path string
		want         admit.Class
	}{
		{admit.Device, "POST", "/.well-known/est/simpleenroll", admit.Enrol},
		{admit.Device, "POST", "/o1/.well-known/est/simpleenroll", admit.Enrol},
		{admit.Device, "POST", "/.well-known/est/o1/simplereenroll", admit.Renew},
		{admit.Device, "GET", "/.well-known/est/cacerts", admit.Read},
		{admit.Device, "POST", "/api/v1/orders/o1/devices", admit.Enrol},
		{admit.Device, "POST", "/api/v1/claims", admit.Read},
		{admit.Device, "POST", "/api/v1/devices/d1/revoke", admit.Read}, // which is not there
		{admit.Device, "DELETE", "/api/v1/grants/g1", admit.Read},
		{admit.Device, "POST", "/pkiclient.exe", admit.Enrol},
		{admit.Device, "GET", "/healthz", admit.Enrol}, // which is not there
		{admit.API, "GET", "/api/v1/devices/revoke", admit.Read},
		{admit.API, "POST", "/api/v1/orders/o1/tickets", admit.Read},
		{admit.API, "POST", "/api/v1/users/me/jobs", admit.Withdraw},
		{admit.API, "POST", "/api/v1/approvals/a1/approve", admit.Withdraw},
		{admit.API, "POST", "/api/v1/tokens/t1/revoke", admit.Withdraw},
		{admit.API, "DELETE", "/api/v1/grants/g1", admit.Withdraw},
		{admit.API, "DELETE", "/api/v1/devices/d1/owner", admit.Read},
		{admit.API, "GET", "/api/v1/backup", admit.Read},
		{admit.API, "POST", "/api/v1/store/compact", admit.Read},
		{admit.API, "GET", "/readyz", admit.Read},
		{admit.API, "GET", "/", admit.Read},
		{admit.Public, "POST", "/ocsp", admit.Status},
		{admit.Public, "GET", "/ocsp/MEow/healthz", admit.Status},
		{admit.Public, "GET", "/crl/i1/s1.crl", admit.Status},
		{admit.Public, "GET", "/crl/i1/bundle.pem", admit.Bulk},
		{admit.Public, "GET", "/readyz", admit.Health},
		{admit.Public, "GET", "/healthz", admit.Health},
		{admit.Metrics, "GET", "/metrics", admit.Health},
	} {
		if got := test.at.Of(httptest.NewRequest(test.method, test.path, nil)); got != test.want {
			t.Errorf("%s %s at the %s listener is %s, want %s", test.method, test.path, test.at, got, test.want)
		}
	}
}

// Every action on devices and certificates that the API describes is a withdrawal.
func TestEveryActionIsAWithdrawal(t *testing.T) {
	recorder := httptest.NewRecorder()
	rest.New(rest.Config{Rand: strings.NewReader(strings.Repeat("x", 100)), Clock: time.Now}).
		ServeHTTP(recorder, httptest.NewRequest("GET", "/openapi.json", nil))
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	found := 0
	for path, methods := range document.Paths {
		for method, operation := range methods {
			class := admit.API.Of(httptest.NewRequest(strings.ToUpper(method), path, nil))
			for _, action := range identity.Actions() {
				if operation.OperationID == string(action)+"-device" || operation.OperationID == string(action)+"-certificate" {
					found++
					if class != admit.Withdraw {
						t.Errorf("%s is %s", operation.OperationID, class)
					}
				}
			}
		}
	}
	if found != 2*len(identity.Actions()) {
		t.Errorf("the API describes %d actions, and %d are known", found, 2*len(identity.Actions()))
	}
}

// door is a handler behind a limiter with one place, and what it turned away.
type door struct {
	limiter *admit.Limiter
	handler http.Handler
	shed    []admit.Class
}

func newDoor(at admit.Listener, next http.HandlerFunc) *door {
	d := &door{limiter: admit.New(admit.Config{Places: 1, Burst: time.Millisecond})}
	d.handler = admit.Handler(d.limiter, at, func(_ admit.Listener, class admit.Class) { d.shed = append(d.shed, class) }, next)
	return d
}

// ask sends a request while there is no place.
func (d *door) ask(t *testing.T, r *http.Request, class admit.Class) *http.Response {
	t.Helper()
	n := fill(d.limiter, class)
	defer release(d.limiter, class, n)
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func TestEachDoorTurnsAwayInItsLanguage(t *testing.T) {
	for _, test := range []struct {
		name         string
		at           admit.Listener
		class        admit.Class
		method, path string
		mediaType    string
		least, most  int
		check        func(t *testing.T, body []byte)
	}{
		{"REST", admit.API, admit.Read, "GET", "/api/v1/devices", problem.ContentType, 5, 15, isProblem},
		{"stations", admit.Device, admit.Enrol, "POST", "/api/v1/orders/o1/devices", problem.ContentType, 5, 15, isProblem},
		{"EST", admit.Device, admit.Renew, "POST", "/.well-known/est/simplereenroll", "text/plain; charset=utf-8", 1, 3, func(t *testing.T, body []byte) {
			if !strings.HasPrefix(string(body), "unavailable: ") {
				t.Errorf("%q begins with no code", body)
			}
		}},
		{"OCSP", admit.Public, admit.Status, "POST", "/ocsp", "application/ocsp-response", 1, 3, func(t *testing.T, body []byte) {
			if _, err := ocsp.ParseResponse(body, nil); err == nil || !strings.Contains(err.Error(), "try later") {
				t.Errorf("%x is not tryLater: %v", body, err)
			}
		}},
		{"CRL", admit.Public, admit.Status, "GET", "/crl/i1/s1.crl", "text/plain; charset=utf-8", 1, 3, func(*testing.T, []byte) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(test.at, func(http.ResponseWriter, *http.Request) { t.Error("it was let in") })
			body := &unread{t: t}
			answer := d.ask(t, httptest.NewRequest(test.method, test.path, body), test.class)
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Content-Type") != test.mediaType {
				t.Errorf("%s, %s", answer.Status, answer.Header.Get("Content-Type"))
			}
			if after, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || after < test.least || after > test.most {
				t.Errorf("Retry-After is %q, want %d to %d", answer.Header.Get("Retry-After"), test.least, test.most)
			}
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.Header.Get("Content-Length") != strconv.Itoa(len(text)) {
				t.Errorf("%d octets, and the header says %s; %v", len(text), answer.Header.Get("Content-Length"), err)
			}
			test.check(t, text)
			if len(d.shed) != 1 || d.shed[0] != test.class {
				t.Errorf("%v was counted, want %s", d.shed, test.class)
			}
			wantEmpty(t, d.limiter)
		})
	}
}

func isProblem(t *testing.T, body []byte) {
	var p problem.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code != enroll.Unavailable || p.Status != 503 {
		t.Errorf("%s: %v", body, err)
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u *unread) Read([]byte) (int, error) {
	u.t.Error("the body of a request that is turned away was read")
	return 0, io.EOF
}

// Those who are turned away together are told to come back at different times.
func TestRetryAfterIsSpread(t *testing.T) {
	d := newDoor(admit.Device, nil)
	n := fill(d.limiter, admit.Enrol)
	defer release(d.limiter, admit.Enrol, n)
	counts := map[string]int{}
	for range 110 {
		recorder := httptest.NewRecorder()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d.handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, "POST", "/.well-known/est/simpleenroll", nil))
		counts[recorder.Header().Get("Retry-After")]++
	}
	if len(counts) != 11 {
		t.Errorf("110 were told %v", counts)
	}
	for after, n := range counts {
		if n < 5 || n > 15 {
			t.Errorf("%d of 110 were told to come back in %s s", n, after)
		}
	}
}

func TestPanicGivesThePlaceBack(t *testing.T) {
	d := newDoor(admit.Device, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	func() {
		defer func() { _ = recover() }()
		d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/.well-known/est/simpleenroll", nil))
	}()
	wantEmpty(t, d.limiter)
}

// A client that sends slowly, or reads slowly, holds no place meanwhile.
func TestSlowClientsHoldNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		d := newDoor(admit.Device, func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(got)
			<-finish // as a Write does whose client reads slowly
		})
		reader, writer := io.Pipe()
		recorder := httptest.NewRecorder()
		var all sync.WaitGroup
		all.Go(func() {
			d.handler.ServeHTTP(recorder, httptest.NewRequest("POST", "/.well-known/est/simpleenroll", reader))
		})
		synctest.Wait()
		if n := fill(d.limiter, admit.Enrol); n != 1 {
			t.Errorf("while a body is awaited %d places are free, want 1", n)
		}
		_, _ = writer.Write([]byte("slow"))
		_ = writer.Close()
		synctest.Wait()
		if recorder.Body.Len() > 0 {
			t.Error("it went on without a place")
		}
		d.limiter.Release(admit.Enrol)
		synctest.Wait()
		if !bytes.Equal(recorder.Body.Bytes(), []byte("slow")) {
			t.Errorf("the answer is %q", recorder.Body)
		}
		wantEmpty(t, d.limiter)
		close(finish)
		all.Wait()
		wantEmpty(t, d.limiter)
	})
}

// A client that goes away while its request waits for its place again leaves none
// taken.
func TestClientGoneWhileParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(admit.Device, func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err == nil {
				t.Error("the body came, and there was no place to work on it")
			}
		})
		reader, writer := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/.well-known/est/simpleenroll", reader))
		})
		synctest.Wait()
		n := fill(d.limiter, admit.Enrol)
		_, _ = writer.Write([]byte("slow"))
		synctest.Wait()
		cancel()
		all.Wait()
		release(d.limiter, admit.Enrol, n)
		wantEmpty(t, d.limiter)
	})
}

// What is long keeps its place, of those that are for it, until it is done.
func TestBulkKeepsItsPlace(t *testing.T) {
	var d *door
	d = newDoor(admit.Public, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("a part"))
		if loads, _ := d.limiter.Loads(); loads[admit.Bulk].Running != 1 {
			t.Errorf("%+v", loads[admit.Bulk])
		}
	})
	d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/crl/i1/bundle.pem", nil))
	wantEmpty(t, d.limiter)
}

// Anybody may take a bundle of CRLs, and read it as slowly as the listener has it:
// nobody who has to save the store waits for that.
func TestSlowReadersOfBundlesKeepNobodyFromABackup(t *testing.T) {
	saved := 0
	d := newDoor(admit.API, func(http.ResponseWriter, *http.Request) { saved++ })
	defer release(d.limiter, admit.Bulk, fill(d.limiter, admit.Bulk))
	d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v1/backup", nil))
	if saved != 1 {
		t.Error("the backup was turned away")
	}
}

func TestHealthIsAlwaysAnswered(t *testing.T) {
	asked := 0
	d := newDoor(admit.Public, func(http.ResponseWriter, *http.Request) { asked++ })
	for _, class := range shared() {
		defer release(d.limiter, class, fill(d.limiter, class))
	}
	d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/readyz", nil))
	if asked != 1 {
		t.Error("health was turned away")
	}
}
