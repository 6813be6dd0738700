package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/report"
)

// hotCertificates is how many certificates the hot OCSP scenario asks for.
const hotCertificates = 1000

// all runs every scenario. In each, and at each concurrency, the contenders take
// turns, round by round, so that what else the machine does falls on all of them.
func (b *bench) all(ctx context.Context) error {
	for _, step := range []struct {
		scenario string
		run      func(context.Context) error
	}{
		{report.EnrolKept, func(ctx context.Context) error { return b.enrol(ctx, report.EnrolKept, true) }},
		{report.EnrolFresh, func(ctx context.Context) error { return b.enrol(ctx, report.EnrolFresh, false) }},
		{report.RenewFresh, b.renew},
		{report.OCSPHot, b.ocspHot},
		{report.OCSPCold, b.ocspCold},
	} {
		if !b.scenarios.MatchString(step.scenario) {
			continue
		}
		if err := step.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rounds calls do for each concurrency, round and entrant. Who comes first in one
// round comes last in the next: to be first, on a machine that has just made keys for
// everybody, costs a percent.
func (b *bench) rounds(do func(concurrency, round int, e *entrant) error) error {
	for _, concurrency := range b.concurrencies {
		for round := range b.repeat {
			turn := slices.Clone(b.entrants)
			if round%2 == 1 {
				slices.Reverse(turn)
			}
			for _, e := range turn {
				if err := do(concurrency, round, e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (b *bench) enrol(ctx context.Context, scenario string, kept bool) error {
	var identities []contender.Identity // of the round: every contender enrols the same
	var prefix string
	return b.rounds(func(concurrency, round int, e *entrant) error {
		if now := fmt.Sprintf("%t-%d-%d", kept, concurrency, round); now != prefix {
			var err error
			if identities, err = contender.NewIdentities(now, b.count); err != nil {
				return err
			}
			prefix = now
		}
		l, err := e.enrolment(ctx, identities, kept)
		if err != nil {
			return err
		}
		l.Concurrency, l.For = concurrency, b.length
		result, err := b.measure(ctx, e, scenario, contender.Enrol, l)
		if err != nil {
			return err
		}
		return e.keep(identities, result.Bodies, b.count)
	})
}

// renew renews each device's newest certificate once a round.
func (b *bench) renew(ctx context.Context) error {
	return b.rounds(func(concurrency, _ int, e *entrant) error {
		l, err := e.renewal(len(e.pool))
		if err != nil {
			return err
		}
		l.Concurrency, l.For = concurrency, b.length
		result, err := b.measure(ctx, e, report.RenewFresh, contender.Renew, l)
		if err != nil {
			return err
		}
		return e.renewed(result.Bodies)
	})
}

func (b *bench) ocspHot(ctx context.Context) error {
	return b.rounds(func(concurrency, _ int, e *entrant) error {
		if e.StatusAddr() == "" {
			return nil
		}
		if e.hot == nil {
			if err := b.heat(ctx, e); err != nil {
				return err
			}
		}
		l := e.asking(e.hot, b.questions)
		l.Concurrency, l.For = concurrency, b.length
		result, err := b.measure(ctx, e, report.OCSPHot, contender.OCSP, l)
		if err != nil {
			return err
		}
		return checkAnswers(result.Bodies)
	})
}

// heat has each hot certificate asked for once, so that none of them is cold.
func (b *bench) heat(ctx context.Context, e *entrant) error {
	if err := e.heat(hotCertificates); err != nil {
		return err
	}
	l := e.asking(e.hot, len(e.hot))
	l.Concurrency, l.For = 16, b.length*10
	return e.quietly(ctx, l)
}

// ocspCold asks once for each of many certificates, in random order, a part of
// them in each run.
func (b *bench) ocspCold(ctx context.Context) error {
	if b.cold == 0 {
		return nil
	}
	for _, e := range b.entrants {
		if e.StatusAddr() == "" {
			continue
		}
		if err := b.prepareCold(ctx, e); err != nil {
			return err
		}
	}
	return b.rounds(func(concurrency, _ int, e *entrant) error {
		if e.StatusAddr() == "" {
			return nil
		}
		part := e.cold[e.coldSent:min(len(e.cold), e.coldSent+b.cold/(len(b.concurrencies)*b.repeat))]
		e.coldSent += len(part)
		l := e.asking(part, len(part))
		l.Concurrency, l.For = concurrency, b.length*10
		result, err := b.measure(ctx, e, report.OCSPCold, contender.OCSP, l)
		if err != nil {
			return err
		}
		return checkAnswers(result.Bodies)
	})
}

// prepareCold gives an entrant its cold requests, in random order.
func (b *bench) prepareCold(ctx context.Context, e *entrant) error {
	fmt.Fprintf(b.progress, "preparing %d certificates of %s\n", b.cold, e.Name())
	populate := func() error { return e.populate(ctx, b.cold) }
	if e.Name() == report.Floor {
		populate = func() error { return e.inventCold(b.cold) }
	}
	if err := populate(); err != nil {
		return err
	}
	rand.Shuffle(len(e.cold), func(i, j int) { e.cold[i], e.cold[j] = e.cold[j], e.cold[i] })
	return nil
}
