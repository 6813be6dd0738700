package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/load"
	"github.com/touchmark/touchmark/certs-test/bench/report"
)

// profiler is a contender that shows where its processor time goes.
type profiler interface {
	Profile(ctx context.Context, length time.Duration) ([]byte, error)
}

// profiles runs Touchmark, on one store after the other, at the highest
// concurrency and writes a CPU profile of each scenario into out: go tool pprof
// -top reads them. Being profiled costs time, so nothing is measured meanwhile.
func (b *bench) profiles(ctx context.Context, dir, out string) error {
	if err := os.MkdirAll(out, 0o750); err != nil {
		return err
	}
	if err := b.startEach(ctx, dir, []start{b.touchmarkOnBolt(report.Touchmark, b.touchmark), b.touchmarkOnPostgres(report.TouchmarkPostgres, b.touchmark)}); err != nil {
		return err
	}
	for _, e := range b.entrants {
		store := "bolt-"
		if onPostgres(e.Name()) {
			store = "postgres-"
		}
		if err := b.profilesOf(ctx, e, filepath.Join(out, store)); err != nil {
			return err
		}
	}
	return nil
}

// profilesOf writes those of one server into files whose names begin with path.
func (b *bench) profilesOf(ctx context.Context, e *entrant, path string) error {
	for _, kept := range []bool{true, false} {
		name := map[bool]string{true: "enrol-kept", false: "enrol-fresh"}[kept]
		identities, err := contender.NewIdentities(name, b.count)
		if err != nil {
			return err
		}
		l, err := e.enrolment(ctx, identities, kept)
		if err != nil {
			return err
		}
		result, err := b.profile(ctx, e, l, path+name+".pprof")
		if err != nil {
			return err
		}
		if err := e.keep(identities, result.Bodies, b.count); err != nil {
			return err
		}
	}
	l, err := e.renewal(len(e.pool))
	if err != nil {
		return err
	}
	if _, err := b.profile(ctx, e, l, path+"renew.pprof"); err != nil {
		return err
	}
	if err := e.heat(hotCertificates); err != nil {
		return err
	}
	_, err = b.profile(ctx, e, e.asking(e.hot, b.questions), path+"ocsp-hot.pprof")
	return err
}

// profile drives l for b.length, profiled.
func (b *bench) profile(ctx context.Context, e *entrant, l load.Load, path string) (*load.Result, error) {
	shown, ok := e.Contender.(profiler)
	if !ok {
		return nil, fmt.Errorf("%s shows no profiles", e.Name())
	}
	l.Concurrency, l.For = b.concurrencies[len(b.concurrencies)-1], b.length+time.Second
	var taken []byte
	fault := make(chan error, 1)
	l.Begin = func() error {
		go func() {
			var err error
			taken, err = shown.Profile(ctx, b.length)
			fault <- err
		}()
		return nil
	}
	l.End = func(answers int) error {
		fmt.Fprintf(b.progress, "%s: %d operations\n", path, answers)
		return nil
	}
	result, err := load.Run(ctx, l)
	if err = errors.Join(err, <-fault); err != nil {
		return nil, err
	}
	return result, os.WriteFile(path, taken, 0o600)
}
