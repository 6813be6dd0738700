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

// profiles runs Touchmark alone at the highest concurrency and writes a CPU
// profile of each scenario into out: go tool pprof -top reads them. Being
// profiled costs time, so nothing is measured meanwhile.
func (b *bench) profiles(ctx context.Context, dir, out string) error {
	err := b.startEach(ctx, dir, []start{{report.Touchmark, func(ctx context.Context, dir string) (contender.Contender, error) {
		return contender.StartTouchmark(ctx, report.Touchmark, b.touchmark, dir, "")
	}}})
	if err != nil {
		return err
	}
	e := b.entrants[0]
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
		result, err := b.profile(ctx, e, l, filepath.Join(out, name+".pprof"))
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
	if _, err := b.profile(ctx, e, l, filepath.Join(out, "renew.pprof")); err != nil {
		return err
	}
	if err := e.heat(hotCertificates); err != nil {
		return err
	}
	_, err = b.profile(ctx, e, e.asking(e.hot, b.questions), filepath.Join(out, "ocsp-hot.pprof"))
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
