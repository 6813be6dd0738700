package admit

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"
)

// How the number of places follows the machine.
const (
	adaptEvery = 250 * time.Millisecond
	// longWait is the time for a processor that nine of ten goroutines should not wait
	// longer. What is in flight waits so long some five times.
	longWait = 10 * time.Millisecond
	// Places for each processor. The least keep one busy while others wait for a commit;
	// the most are what an HSM over the network may keep waiting.
	leastPlaces = 16
	mostPlaces  = 256
)

// Adapt changes the number of places as the machine allows, until ctx is done. It is
// called once.
func (l *Limiter) Adapt(ctx context.Context) {
	var waits schedulerWaits
	waits.ninth() // from here on
	ticker := time.NewTicker(adaptEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.Step(waits.ninth(), runtime.GOMAXPROCS(0))
		}
	}
}

// Step is one step of Adapt: nine of ten goroutines waited no longer than wait for one
// of so many processors. Too long a wait takes a quarter of the places; where it is
// short, and somebody has waited for a place, there is an eighth more.
func (l *Limiter) Step(wait time.Duration, processors int) {
	l.mu.Lock()
	places, short := l.places, l.short
	l.short = false
	l.mu.Unlock()
	switch {
	case wait > longWait:
		places -= places / 4
	case wait < longWait/2 && short:
		places += max(places/8, 1)
	default:
		return
	}
	l.SetPlaces(min(max(places, leastPlaces*processors), mostPlaces*processors))
}

// schedulerWaits reads how long goroutines wait for a processor after they could run.
type schedulerWaits struct {
	sample [1]metrics.Sample
	before []uint64
}

// ninth returns what nine of ten goroutines did not wait longer than since the last
// call.
func (s *schedulerWaits) ninth() time.Duration {
	s.sample[0].Name = "/sched/latencies:seconds"
	metrics.Read(s.sample[:])
	now := s.sample[0].Value.Float64Histogram()
	if len(s.before) != len(now.Counts) {
		s.before = make([]uint64, len(now.Counts))
	}
	var all, longer uint64
	for i, n := range now.Counts {
		s.before[i], now.Counts[i] = n, n-s.before[i]
		all += now.Counts[i]
	}
	at := len(now.Counts) - 1
	for ; at > 0; at-- {
		if longer += now.Counts[at]; 10*longer > all {
			break
		}
	}
	// The lower bound: the upper one of the last is infinite.
	return time.Duration(max(now.Buckets[at], 0) * float64(time.Second))
}
