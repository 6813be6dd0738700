package overload_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/certs-test/traffic"
)

// devices is how many enrol under load: the load lasts until they are.
var devices = flag.Int("devices", 6000, "how many devices enrol under load")

// Who asks at once.
const (
	keeping    = 400 // clients that enrol on a connection they keep
	connecting = 100 // that connect anew each time
	halfway    = 300 // that send half a request and no more
	relying    = 4   // relying parties
)

func TestOverload(t *testing.T) {
	s := newSite(t, keeping+relying+20)
	const revoked, renewed = 60, 60
	settled := s.enrolled(t, "settled", revoked+renewed+1)
	revoke, renew, asked := settled[:revoked], settled[revoked:revoked+renewed], settled[revoked+renewed]
	crowd, err := s.clients.Devices(t.Context(), "crowd", *devices)
	check(t, err)
	calm := s.calm(t)
	s.stall(t)
	before, err := s.clients.SampleOf(t.Context(), s.server.Process())
	check(t, err)

	var y tally
	var load sync.WaitGroup
	var waiting atomic.Int64 // devices that are not enrolled
	waiting.Store(int64(len(crowd)))
	loaded, over := context.WithCancel(soon(t, 8*time.Minute))
	defer over()
	queue := make(chan *traffic.Device, len(crowd))
	for _, d := range crowd {
		queue <- d
	}
	// enrol sends one device's request, again and again, with the same ticket.
	enrol := func(kind string, once bool) {
		for {
			select {
			case <-loaded.Done():
				return
			case d := <-queue:
				answer := s.clients.Enrol(t.Context(), d, once)
				y.note(kind, answer, once)
				if !answer.OK() {
					queue <- d
				} else if waiting.Add(-1) == 0 {
					over()
				}
			}
		}
	}
	began := time.Now()
	for range keeping {
		load.Go(func() { enrol("enrol", false) })
	}
	for range connecting {
		load.Go(func() { enrol("enrol, connecting", true) })
	}
	for range relying {
		load.Go(func() {
			for loaded.Err() == nil {
				status, answer := s.clients.OCSP(t.Context(), asked.Leaf)
				if answer.OK() && status != ocsp.Good {
					t.Errorf("OCSP says %d", status)
				}
				y.note("OCSP", answer, false)
				time.Sleep(10 * time.Millisecond) // so many a second
			}
		})
	}
	load.Go(func() {
		for _, d := range renew {
			for loaded.Err() == nil {
				check(t, d.Rekey())
				answer := s.clients.Renew(t.Context(), d)
				y.note("renew, connecting", answer, true)
				if answer.OK() {
					break
				}
			}
		}
	})
	load.Go(func() {
		for i, d := range revoke {
			once := i%2 == 0
			kind := map[bool]string{true: "revoke, connecting", false: "revoke"}[once]
			y.note(kind, s.clients.API(t.Context(), once, http.MethodPost, "/api/v1/devices/"+d.ID()+"/revoke", nil), false)
			if status, answer := s.clients.OCSP(t.Context(), d.Leaf); status != ocsp.Revoked {
				t.Errorf("%s was revoked, and OCSP says %d, %s", d.ID(), status, answer)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	most := s.watch(loaded, t, &load)
	load.Wait()
	took := time.Since(began)
	y.tell(t)
	after, err := s.clients.SampleOf(t.Context(), s.server.Process())
	check(t, err)
	busy := time.Duration((after.Processor - before.Processor) / float64(len(crowd)) * float64(time.Second))
	t.Logf("%d devices enrolled in %s, %.0f a second; %s of the processor for each, with all that was turned away; %s without a load",
		len(crowd), took.Round(time.Millisecond), float64(len(crowd))/took.Seconds(), busy, calm)
	if busy > 6*calm {
		t.Errorf("turning away cost so much that an enrolment took %s of the processor; without a load it takes %s", busy, calm)
	}

	if waiting.Load() > 0 {
		t.Errorf("%d of %d devices are not enrolled", waiting.Load(), len(crowd))
	}
	if y.count("enrol, turned away") == 0 {
		t.Error("nobody was turned away: this was no overload")
	}
	for i, wrong := range y.wrong {
		if i < 10 {
			t.Error(wrong)
		}
	}
	for what, want := range map[string]int{"revoke, done": revoked / 2, "revoke, connecting, done": revoked / 2} {
		if got := y.count(what); got < want && !t.Failed() {
			t.Errorf("%s: %d of %d; the load was over too soon", what, got, want)
		}
	}
	if n := y.count("OCSP, turned away") + y.count("revoke, turned away"); n > 0 {
		t.Errorf("%d relying parties and revocations were turned away", n)
	}
	s.judgeSizes(t, before, most)
	s.recovered(t, renew)
}

// calm returns what an enrolment takes of the processor where there is no more to do
// than can be done.
func (s *site) calm(t *testing.T) time.Duration {
	t.Helper()
	const n, clients = 1000, 8
	all, err := s.clients.Devices(t.Context(), "calm", n)
	check(t, err)
	before, err := s.clients.SampleOf(t.Context(), s.server.Process())
	check(t, err)
	var load sync.WaitGroup
	for first := range clients {
		load.Go(func() {
			for i := first; i < n; i += clients {
				if answer := s.clients.Enrol(t.Context(), all[i], false); !answer.OK() {
					t.Errorf("without a load: %s", answer)
				}
			}
		})
	}
	load.Wait()
	after, err := s.clients.SampleOf(t.Context(), s.server.Process())
	check(t, err)
	return time.Duration((after.Processor - before.Processor) / n * float64(time.Second))
}

// stall opens the connections of clients that send half a request. They hold
// connections until the test ends, and must hold nothing else.
func (s *site) stall(t *testing.T) {
	t.Helper()
	const half = "POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs10\r\nAuthorization: Basic eDp5\r\nContent-Length: 500\r\n\r\nMII"
	for range halfway {
		c, err := tls.Dial("tcp", s.clients.Site.Nodes[0].Device, &tls.Config{RootCAs: s.clients.Site.Roots})
		check(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = c.Write([]byte(half))
		check(t, err)
	}
}

// watch samples the server until ctx is done, and wants it to be ready all the time.
// What it returns is filled by then: the most of each.
func (s *site) watch(ctx context.Context, t *testing.T, load *sync.WaitGroup) *traffic.Sample {
	most := &traffic.Sample{}
	load.Go(func() {
		for ctx.Err() == nil {
			if answer := s.clients.Get(t.Context(), "/readyz"); !answer.OK() {
				t.Errorf("under load, /readyz: %s", answer)
			}
			now, err := s.clients.SampleOf(t.Context(), s.server.Process())
			if err != nil {
				t.Errorf("under load: %v", err)
			}
			most.Goroutines = max(most.Goroutines, now.Goroutines)
			most.Descriptors = max(most.Descriptors, now.Descriptors)
			most.Resident = max(most.Resident, now.Resident)
			most.Shed = max(most.Shed, now.Shed)
			time.Sleep(200 * time.Millisecond)
		}
	})
	return most
}

// judgeSizes holds the server to what its connections account for.
func (s *site) judgeSizes(t *testing.T, before traffic.Sample, most *traffic.Sample) {
	t.Helper()
	// Each has a goroutine, and a second one that watches it while it is served. Where
	// one is ended its client has the next before the server has let go of it.
	const connections = 2*(keeping+connecting) + halfway + relying + 20
	if bound := before.Goroutines + 2*connections; most.Goroutines > bound {
		t.Errorf("%.0f goroutines, and %d connections account for %.0f", most.Goroutines, connections, bound)
	}
	if bound := before.Descriptors + connections; most.Descriptors > bound {
		t.Errorf("%.0f open files, and %d connections account for %.0f", most.Descriptors, connections, bound)
	}
	if most.Resident > memory<<20 {
		t.Errorf("%.0f MiB, and the server was told to stay below %d", most.Resident/(1<<20), memory)
	}
	t.Logf("at most: %.0f goroutines (before: %.0f), %.0f open files (%.0f), %.0f MiB (%.0f); %.0f turned away",
		most.Goroutines, before.Goroutines, most.Descriptors, before.Descriptors, most.Resident/(1<<20), before.Resident/(1<<20), most.Shed)
}

// recovered wants everything to be done at once, right after the load.
func (s *site) recovered(t *testing.T, known []*traffic.Device) {
	t.Helper()
	fresh, err := s.clients.Devices(t.Context(), "after", 100)
	if err != nil {
		t.Fatalf("right after the load: %v", err)
	}
	var y tally
	for i, d := range fresh {
		y.note("enrol", s.clients.Enrol(t.Context(), d, i%2 == 0), false)
	}
	for _, d := range known {
		check(t, d.Rekey())
		y.note("renew", s.clients.Renew(t.Context(), d), false)
		_, answer := s.clients.OCSP(t.Context(), d.Leaf)
		y.note("OCSP", answer, false)
		y.note("list", s.clients.API(t.Context(), false, http.MethodGet, "/api/v1/devices?limit=10", nil), false)
		y.note("revoke", s.clients.API(t.Context(), true, http.MethodPost, "/api/v1/devices/"+d.ID()+"/revoke", nil), false)
	}
	y.tell(t)
	for _, wrong := range y.wrong {
		t.Error(wrong)
	}
	for _, kind := range []string{"enrol", "renew", "OCSP", "list", "revoke"} {
		if n := y.count(kind + ", turned away"); n > 0 {
			t.Errorf("right after the load %d times %s was turned away", n, kind)
		}
	}
	// One certificate for each device of the crowd, whatever was turned away.
	answer := s.clients.API(t.Context(), false, http.MethodGet, "/api/v1/orders?fleet=/crowd", nil)
	if want := fmt.Sprintf(`"enrolled":%d`, *devices); !bytes.Contains(answer.Body, []byte(want)) {
		t.Errorf("the crowd's order does not say %s: %s", want, answer)
	}
}
