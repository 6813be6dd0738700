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

// startAll starts every contender, each in a folder of its own.
func (b *bench) startAll(ctx context.Context, dir string) error {
	step := filepath.Join(b.programs, "step-ca")
	starts := []start{
		{report.Touchmark, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartTouchmark(ctx, report.Touchmark, b.touchmark, dir, "")
		}},
		{report.Floor, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartFloor(ctx, filepath.Join(b.programs, "floor"), dir)
		}},
		{report.StepBBolt, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartStepCA(ctx, report.StepBBolt, step, dir, "bbolt", "")
		}},
		{report.StepBadger, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartStepCA(ctx, report.StepBadger, step, dir, "badgerv2", "")
		}},
	}
	if b.postgres != "" {
		database, err := contender.StartDatabase(ctx, b.postgres, filepath.Join(dir, "postgres"))
		if err != nil {
			return err
		}
		b.database = database
		starts = append(starts, start{report.TouchmarkPostgres, func(ctx context.Context, dir string) (contender.Contender, error) {
			url, err := database.Create(ctx, "touchmark")
			if err != nil {
				return nil, err
			}
			return contender.StartTouchmark(ctx, report.TouchmarkPostgres, b.touchmark, dir, url)
		}}, start{report.StepPostgres, func(ctx context.Context, dir string) (contender.Contender, error) {
			return contender.StartStepCA(ctx, report.StepPostgres, step, dir, "postgresql", database.Server())
		}})
	}
	return b.startEach(ctx, dir, starts)
}

// start starts one contender in a folder.
type start struct {
	name string
	run  func(ctx context.Context, dir string) (contender.Contender, error)
}

func (b *bench) startEach(ctx context.Context, dir string, starts []start) error {
	for _, s := range starts {
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
	if b.database == nil || e.Name() != report.TouchmarkPostgres && e.Name() != report.StepPostgres {
		return contender.CPU{}, nil
	}
	return b.database.CPU()
}
