package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet/lab"
	"github.com/touchmark/touchmark/certs-test/traffic"
)

// soak is one run.
type soak struct {
	options
	out     io.Writer
	lab     *lab.Lab
	keeper  *keeper
	clients *traffic.Clients
	began   time.Time
	record  *record
	members []*member
	issued  atomic.Int64 // certificates
	made    atomic.Int64 // devices

	mu     sync.Mutex // guards what follows
	server *lab.Server
	random *rand.Rand
}

// workers is how many requests of the usual load are under way at once.
const workers = 8

func newSoak(o options, out io.Writer, made *lab.Lab, k *keeper) *soak {
	return &soak{options: o, out: out, lab: made, keeper: k, record: &record{}, random: rand.New(rand.NewPCG(o.seed, 1))}
}

// run does everything and returns what is wrong.
func (s *soak) run(ctx context.Context) (err error) {
	if s.clients, err = traffic.New(s.lab.Site, 64, 30*time.Second); err != nil {
		return err
	}
	defer s.clients.Close()
	if s.server, err = s.lab.Serve(ctx, 0); err != nil {
		return err
	}
	defer func() { s.current().Kill() }()
	fmt.Fprintf(s.out, "soak: %s on %s, %d devices, %d things a second\n", s.length, s.keeper.Name, s.devices, s.rate)
	if err := s.populate(ctx); err != nil {
		return err
	}
	first, err := s.clients.Operator.Checkpoint(ctx)
	if err != nil {
		return err
	}
	y, err := newYardstick(s.lab.Dir)
	if err != nil {
		return err
	}
	defer y.close()
	s.began = time.Now()
	s.record.begin(s.began)
	working, stop := context.WithTimeout(ctx, s.length)
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { s.work(working) })
	all.Go(func() { s.sample(working) })
	all.Go(func() { s.measure(working, y) })
	all.Go(func() { s.progress(working) })
	all.Go(func() {
		if err := s.disturb(working); err != nil {
			s.record.wrong("the server: " + err.Error())
			stop() // there is nothing left to measure
		}
	})
	all.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.proveLog(ctx, first); err != nil {
		s.record.wrong("the log: " + err.Error())
	}
	if err := s.current().Stop(ctx); err != nil {
		s.record.wrong("the end: " + err.Error())
	}
	report := s.judge()
	if err := report.write(s.options.out); err != nil {
		return err
	}
	fmt.Fprint(s.out, report.markdown())
	if !report.Flat {
		return errors.New("not all is flat, or not all was right; the report says what")
	}
	return nil
}

func (s *soak) current() *lab.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

func (s *soak) chance(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// since is the time of the run.
func (s *soak) since() time.Duration { return time.Since(s.began) }

// sampleEvery is between a second and half a minute, so that there are some hundred
// samples of a short run.
func (s *soak) sampleEvery() time.Duration {
	return min(max(s.length/200, time.Second), 30*time.Second)
}

// sample measures the server until ctx is done. While it is down there is nothing to
// measure.
func (s *soak) sample(ctx context.Context) {
	for wait(ctx, s.sampleEvery()) {
		server := s.current()
		now, err := s.clients.SampleOf(ctx, server.Process())
		if err != nil {
			continue
		}
		size, err := s.keeper.size(ctx)
		if err != nil {
			continue
		}
		s.record.sample(sampled{
			Sample: now, Time: s.since(), Store: size, Issued: float64(s.issued.Load()), Devices: float64(s.made.Load()), process: server.Process(),
		})
	}
}

const progressEvery = 10 * time.Second

// progress prints a line every ten seconds.
func (s *soak) progress(ctx context.Context) {
	for wait(ctx, progressEvery) {
		fmt.Fprintln(s.out, s.record.line(s.length))
	}
}

// wait returns false where ctx is done before.
func wait(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
