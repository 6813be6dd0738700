package overload_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet/lab"
	"github.com/touchmark/touchmark/certs-test/traffic"
)

// site is a server with one processor, and its clients.
type site struct {
	clients *traffic.Clients
	server  *lab.Server
}

// memory is what the server is told to stay below, in MiB.
const memory = 256

func newSite(t *testing.T, clients int) *site {
	t.Helper()
	program, err := lab.Program(t.Context(), t.TempDir())
	check(t, err)
	made, err := lab.New(t.Context(), lab.Config{Dir: t.TempDir(), Program: program})
	check(t, err)
	server, err := made.Start(0, lab.Way{Command: []string{"env", "GOMAXPROCS=1", fmt.Sprintf("GOMEMLIMIT=%dMiB", memory)}})
	check(t, err)
	t.Cleanup(server.Kill)
	check(t, server.Await(t.Context()))
	s := &site{server: server}
	s.clients, err = traffic.New(made.Site, clients, time.Minute)
	check(t, err)
	t.Cleanup(s.clients.Close)
	return s
}

// enrolled makes devices and enrols them while there is nothing else to do.
func (s *site) enrolled(t *testing.T, name string, n int) []*traffic.Device {
	t.Helper()
	all, err := s.clients.Devices(t.Context(), name, n)
	check(t, err)
	for _, d := range all {
		if answer := s.clients.Enrol(t.Context(), d, false); !answer.OK() {
			t.Fatalf("%s, before the load: %s", d.ID(), answer)
		}
	}
	return all
}

// tally counts what was answered, and how long it took.
type tally struct {
	mu   sync.Mutex // guards what follows
	took map[string][]time.Duration
	// wrong are answers that must not be.
	wrong []string
}

// note counts an answer to a kind of request. mayEnd says that its connection may be
// ended before there is TLS to answer in.
func (y *tally) note(kind string, answer traffic.Answer, mayEnd bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	outcome := "done"
	switch {
	case answer.OK():
	case answer.Err == nil && answer.Status == 503 && politely(answer):
		outcome = "turned away"
	case answer.Status == 0 && mayEnd && strings.Contains(answer.Err.Error(), "tls: internal error"):
		outcome = "not connected"
	default:
		y.wrong = append(y.wrong, kind+": "+answer.String())
		outcome = "wrong"
	}
	if y.took == nil {
		y.took = map[string][]time.Duration{}
	}
	y.took[kind+", "+outcome] = append(y.took[kind+", "+outcome], answer.Took)
}

// politely says whether a 503 says when to come back, and why.
func politely(answer traffic.Answer) bool {
	after, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	return err == nil && after >= 1 && after <= 15 && strings.Contains(string(answer.Body), "unavailable")
}

func (y *tally) count(what string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.took[what])
}

// tell logs the figures, for people.
func (y *tally) tell(t *testing.T) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	var lines []string
	for what, took := range y.took {
		slices.Sort(took)
		at := func(p int) time.Duration { return took[min(len(took)*p/100, len(took)-1)].Round(10 * time.Microsecond) }
		lines = append(lines, fmt.Sprintf("%-34s %7d   p50 %-9s p99 %-9s most %s", what, len(took), at(50), at(99), at(100)))
	}
	slices.Sort(lines)
	t.Log("\n" + strings.Join(lines, "\n"))
}

// soon gives up after so long.
func soon(t *testing.T, most time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
