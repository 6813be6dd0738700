package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/touchmark/touchmark/certs-test/soak/judge"
	"github.com/touchmark/touchmark/certs-test/traffic"
)

// kind is what a request is, where its latency is told.
type kind string

// What is timed.
const (
	renew   kind = "renew"
	enrol   kind = "enrol"
	revoke  kind = "revoke certificate"
	hold    kind = "hold"
	release kind = "release"
	other   kind = "other operations"
	ocspHot kind = "OCSP, one asked for often"
	ocspAny kind = "OCSP, any"
	ocspNew kind = "OCSP, of a new certificate"
	crl     kind = "CRL"
	list    kind = "lists"
	hostile kind = "hostile"
	// machine is the yardstick, which asks nothing of the server.
	machine kind = "the machine"
)

// kinds lists them.
func kinds() []kind {
	return []kind{renew, enrol, revoke, hold, release, other, ocspHot, ocspAny, ocspNew, crl, list, hostile}
}

// sampled is how all stood at a time of the run.
type sampled struct {
	traffic.Sample
	Time time.Duration
	// Store is its size in octets. Issued and Devices are how many certificates and
	// devices there were ever.
	Store, Issued, Devices float64
	process                int
}

// record is what was measured, and what was wrong.
type record struct {
	mu      sync.Mutex // guards what follows
	began   time.Time
	done    map[kind][]judge.Timed
	refused int // with 503, or not at all, while there was trouble
	samples []sampled
	wrongs  []string
	more    int // that were wrong, beyond those kept
	trouble int // faults under way
	calm    time.Time
	// grace is how long after a fault things may still go wrong.
	grace  time.Duration
	faults map[string]int
}

func (r *record) begin(at time.Time) { r.began = at }

// mostWrongs bounds what is kept of what was wrong.
const mostWrongs = 100

func (r *record) wrong(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addWrong(what)
}

func (r *record) addWrong(what string) {
	if len(r.wrongs) == mostWrongs {
		r.more++
		return
	}
	r.wrongs = append(r.wrongs, fmt.Sprintf("%s: %.500s", time.Since(r.began).Round(time.Millisecond), what))
}

// note takes an answer to a request that was sent at a time. While there is trouble it
// may be none, or 503; and it is not timed.
func (r *record) note(k kind, sent time.Time, answer traffic.Answer, right bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	troubled := r.trouble > 0 || sent.Before(r.calm)
	switch {
	case right && !troubled:
		if r.done == nil {
			r.done = map[kind][]judge.Timed{}
		}
		r.done[k] = append(r.done[k], judge.Timed{At: sent.Sub(r.began), Took: answer.Took})
	case right:
	case troubled && unavailable(answer):
		r.refused++
	default:
		r.addWrong(string(k) + ": " + answer.String())
	}
}

// unavailable says whether an answer is none, or 503.
func unavailable(answer traffic.Answer) bool { return answer.Status == 0 || answer.Status == 503 }

// during has what happens meanwhile count as trouble, and for a while after.
func (r *record) during(fault string, f func()) {
	r.mu.Lock()
	r.trouble++
	if r.faults == nil {
		r.faults = map[string]int{}
	}
	r.faults[fault]++
	r.mu.Unlock()
	f()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble--
	r.calm = time.Now().Add(r.grace)
}

func (r *record) sample(now sampled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble == 0 && time.Now().After(r.calm) {
		r.samples = append(r.samples, now)
	}
}

// line is how far the run is.
func (r *record) line(length time.Duration) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, timed := range r.done {
		n += len(timed)
	}
	text := fmt.Sprintf("soak: %s of %s, %d done, %d turned away or cut off in trouble, %d wrong",
		time.Since(r.began).Round(time.Second), length, n, r.refused, len(r.wrongs)+r.more)
	if len(r.samples) > 0 {
		last := r.samples[len(r.samples)-1]
		text += fmt.Sprintf("; %.0f goroutines, %.0f files, %.1f MiB resident, %.1f MiB store",
			last.Goroutines, last.Descriptors, last.Resident/(1<<20), last.Store/(1<<20))
	}
	return text
}
