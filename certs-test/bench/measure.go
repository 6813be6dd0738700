package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/load"
	"github.com/touchmark/touchmark/certs-test/bench/report"
)

// measure drives l against e, with the server's own processor time and peak
// memory read at both ends.
func (b *bench) measure(ctx context.Context, e *entrant, scenario string, kind contender.Kind, l load.Load) (*load.Result, error) {
	if err := e.Process().ForgetPeak(); err != nil {
		return nil, err
	}
	var server, database, client [2]contender.CPU
	read := func(at int) (err error) {
		if server[at], err = e.Process().CPU(); err != nil {
			return err
		}
		if database[at], err = b.databaseCPU(e); err != nil {
			return err
		}
		client[at], err = ownCPU()
		return err
	}
	l.Begin = func() error { return read(0) }
	l.End = func(answers int) error {
		if err := e.Settle(ctx, kind, answers); err != nil {
			return err
		}
		return read(1)
	}
	result, err := load.Run(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("%s, %s, %d at once: %w", e.Name(), scenario, l.Concurrency, err)
	}
	peak, err := e.Process().PeakMemory()
	if err != nil {
		return nil, err
	}
	n := len(result.Latencies)
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(max(n, 1)) }
	used := server[1].Minus(server[0])
	run := report.Run{
		Scenario: scenario, Concurrency: l.Concurrency, Contender: e.Name(), Operations: n,
		Seconds: result.Took.Seconds(), PerSecond: float64(n) / result.Took.Seconds(),
		P50: float64(result.Percentile(0.5).Nanoseconds()) / 1e3, P99: float64(result.Percentile(0.99).Nanoseconds()) / 1e3,
		UserCPU: each(used.User), SystemCPU: each(used.System),
		DatabaseCPU: each(database[1].Minus(database[0]).Total()), ClientCPU: each(client[1].Minus(client[0]).Total()),
		PeakMemory: peak,
	}
	b.report.Runs = append(b.report.Runs, run)
	fmt.Fprintf(b.progress, "%-36s %3d at once  %-22s %6d ops %8.0f/s  p99 %8.0f µs  CPU %6.0f µs  (client %4.0f)\n",
		scenario, l.Concurrency, e.Name(), n, run.PerSecond, run.P99, run.CPU(), run.ClientCPU)
	return result, nil
}

// ownCPU is what the load tool has used (getrusage(2)).
func ownCPU() (contender.CPU, error) {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return contender.CPU{User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano())}, err
}

// watchOthers begins to watch what the machine does besides. What it returns
// tells the share of the processors that was used by neither the load tool, the
// servers nor the database.
func watchOthers() func(b *bench) (float64, error) {
	began, before := time.Now(), report.BusyCPU()
	return func(b *bench) (float64, error) {
		all, took := report.BusyCPU()-before, time.Since(began)
		own, err := ownCPU()
		if err != nil {
			return 0, err
		}
		for _, e := range b.entrants {
			used, err := e.Process().CPU()
			if err != nil {
				return 0, err
			}
			own = own.Plus(used)
		}
		if b.database != nil {
			used, err := b.database.CPU()
			if err != nil {
				return 0, err
			}
			own = own.Plus(used)
		}
		share := (all - own.Total()).Seconds() / took.Seconds() / float64(b.report.Machine.Cores)
		return min(max(share, 0), 1), nil
	}
}
