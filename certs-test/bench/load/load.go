// Package load drives a server with requests that were made beforehand, as many
// at once as asked for, and says how long each took. It spends as little as it
// can itself, since it shares the machine with what it measures.
package load

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Load is a closed loop: each of Concurrency clients sends its next request when
// it has its answer. It is bounded by Count and by For, whichever comes first.
type Load struct {
	// Addr is the server's host:port.
	Addr string
	// TLS is how clients connect; nil for plain HTTP.
	TLS *tls.Config
	// KeepAlive has each client connect once, before the clock starts. Otherwise
	// each request has a connection of its own, whose making counts.
	KeepAlive bool
	// Concurrency is the number of clients, 1 to 1,000.
	Concurrency int
	// Count is the most requests that are sent.
	Count int
	// For is for how long new requests are sent.
	For time.Duration
	// Request returns the i-th request, 0 ≤ i < Count, as it goes over the wire. It
	// is called once for each i, concurrently.
	Request func(i int) []byte
	// Certificate returns the client certificate of the i-th request; nil for none.
	// Only requests with connections of their own have one.
	Certificate func(i int) *tls.Certificate
	// Begin is called when the clients are ready, right before the clock starts.
	Begin func() error
	// End is called with the number of answers once the last one is there, before
	// the clock stops: it waits for what must be done before the work counts as done.
	End func(answers int) error
}

// Result is what came of a Load.
type Result struct {
	// Bodies are the answers' bodies by request; requests that were not sent have
	// none.
	Bodies [][]byte
	// Latencies are those of the requests that were answered, shortest first.
	Latencies []time.Duration
	// Took is from the first request's start to the end of End.
	Took time.Duration
}

// Run drives the load. It errs if any request was not answered with a status of
// 2xx: a benchmark of refusals would be worth nothing.
func Run(ctx context.Context, l Load) (*Result, error) {
	clients, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	result := &Result{Bodies: make([][]byte, l.Count)}
	latencies := make([][]time.Duration, len(clients))
	for i := range latencies {
		latencies[i] = make([]time.Duration, 0, l.Count/len(clients)*2)
	}
	if err := l.Begin(); err != nil {
		return nil, err
	}
	start := time.Now()
	deadline := start.Add(l.For)
	var next atomic.Int64
	var running sync.WaitGroup
	for n, client := range clients {
		running.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				i := int(next.Add(1) - 1)
				if i >= l.Count || began.After(deadline) {
					return
				}
				body, err := l.one(ctx, client, i)
				if err != nil {
					cancel(fmt.Errorf("request %d: %w", i, err))
					return
				}
				result.Bodies[i] = body
				latencies[n] = append(latencies[n], time.Since(began))
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	result.Latencies = slices.Concat(latencies...)
	if err := l.End(len(result.Latencies)); err != nil {
		return nil, err
	}
	result.Took = time.Since(start)
	slices.SortFunc(result.Latencies, cmp.Compare)
	return result, nil
}

// connect makes the clients, connected if their connections are kept.
func (l Load) connect(ctx context.Context) ([]*conn, error) {
	clients := make([]*conn, l.Concurrency)
	for i := range clients {
		clients[i] = &conn{}
		if !l.KeepAlive {
			continue
		}
		if err := clients[i].open(ctx, l.Addr, l.TLS); err != nil {
			return nil, err
		}
	}
	return clients, nil
}

// one sends the i-th request and returns the body of its answer.
func (l Load) one(ctx context.Context, client *conn, i int) ([]byte, error) {
	if l.KeepAlive {
		return client.exchange(l.Request(i))
	}
	config := l.TLS
	if l.Certificate != nil {
		config = config.Clone()
		config.Certificates = []tls.Certificate{*l.Certificate(i)}
	}
	if err := client.open(ctx, l.Addr, config); err != nil {
		return nil, err
	}
	defer client.close()
	return client.exchange(l.Request(i))
}

// Percentile returns the latency that p of the answers, 0 < p ≤ 1, did not
// exceed; 0 if there were none.
func (r *Result) Percentile(p float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	at := int(p*float64(len(r.Latencies))+0.999999) - 1
	return r.Latencies[min(max(at, 0), len(r.Latencies)-1)]
}
