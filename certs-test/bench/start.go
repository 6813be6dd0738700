package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/report"
)

// startAll starts every contender that takes part, each in a folder of its own.
func (b *bench) startAll(ctx context.Context, dir string) error {
	step := filepath.Join(b.programs, "step-ca")
	starts := []start{
		b.touchmarkOnBolt(report.Touchmark, b.touchmark),
		{report.Floor, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartFloor(ctx, filepath.Join(b.programs, "floor"), dir)
		}},
		{report.StepBBolt, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartStepCA(ctx, report.StepBBolt, step, dir, "bbolt", "")
		}},
		{report.StepBadger, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartStepCA(ctx, report.StepBadger, step, dir, "badgerv2", "")
		}},
		b.touchmarkOnPostgres(report.TouchmarkPostgres, b.touchmark),
		{report.StepPostgres, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartStepCA(ctx, report.StepPostgres, step, dir, "postgresql", b.database.Server())
		}},
	}
	if b.other != "" {
		starts = append(starts, b.touchmarkOnBolt(report.OtherTouchmark, b.other), b.touchmarkOnPostgres(report.OtherTouchmarkPostgres, b.other))
	}
	return b.startEach(ctx, dir, starts)
}

func (b *bench) touchmarkOnBolt(name, program string) start {
	return start{name, func(ctx context.Context, dir string) (contender.Contender, error) {
		return contender.StartTouchmark(ctx, name, program, dir, "")
	}}
}

func (b *bench) touchmarkOnPostgres(name, program string) start {
	return start{name, func(ctx context.Context, dir string) (contender.Contender, error) {
		url, err := b.database.Create(ctx, strings.ToLower(strings.Fields(name)[0])) // other, or touchmark
		if err != nil {
			return nil, err
		}
		return contender.StartTouchmark(ctx, name, program, dir, url)
	}}
}

// onPostgres tells the contenders that use the database.
func onPostgres(name string) bool {
	return name == report.TouchmarkPostgres || name == report.StepPostgres || name == report.OtherTouchmarkPostgres
}

// takesPart says whether a contender was asked for and can be had.
func (b *bench) takesPart(name string) bool {
	return b.servers.MatchString(name) && (b.postgres != "" || !onPostgres(name))
}

// start starts one contender in a folder.
type start struct {
	name string
	run  func(ctx context.Context, dir string) (contender.Contender, error)
}

func (b *bench) startEach(ctx context.Context, dir string, starts []start) error {
	for _, s := range starts {
		if !b.takesPart(s.name) {
			continue
		}
		if b.database == nil && onPostgres(s.name) {
			var err error
			if b.database, err = contender.StartDatabase(ctx, b.postgres, filepath.Join(dir, "postgres")); err != nil {
				return err
			}
		}
		own := filepath.Join(dir, strings.ReplaceAll(s.name, " ", "-"))
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		c, err := s.run(ctx, own)
		if err != nil {
			return fmt.Errorf("start %s: %w", s.name, err)
		}
		b.entrants = append(b.entrants, &entrant{Contender: c})
		b.report.Contenders = append(b.report.Contenders, s.name)
	}
	return nil
}

// stop ends every contender, and the database after them.
func (b *bench) stop() error {
	var faults []error
	for _, e := range b.entrants {
		faults = append(faults, e.Process().Stop())
	}
	if b.database != nil {
		faults = append(faults, b.database.Stop())
	}
	return errors.Join(faults...)
}

// databaseCPU is what the database has used, for those that run on it.
func (b *bench) databaseCPU(e *entrant) (contender.CPU, error) {
	if b.database == nil || !onPostgres(e.Name()) {
		return contender.CPU{}, nil
	}
	return b.database.CPU()
}
