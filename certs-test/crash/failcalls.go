package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

// failCalls has a server's n-th call fail, for each n in its turn.
func failCalls(ctx context.Context, out io.Writer, wrong wrongCall, numbers []int64) error {
	return inLab(ctx, "", func(l *lab.Lab) error {
		began := time.Now()
		t, err := newTrial(l, 0)
		if err != nil {
			return err
		}
		defer t.fleet.Close()
		for i, number := range numbers {
			n := 1 + (number-1)*wrong.stride
			if err := t.failCall(ctx, wrong, n); err != nil {
				return fmt.Errorf("call %d: %w", n, err)
			}
			if err := t.afterwards(ctx, fleet.Scope{Sample: sample, All: i == len(numbers)-1}); err != nil {
				return fmt.Errorf("after call %d: %w", n, err)
			}
		}
		counts := t.fleet.Ledger.Counts()
		_, err = fmt.Fprintf(out, "faults: %s, %d times, at calls 1 to %d: exit code 6 and why each time, %d operations, %d in doubt, nothing lost, %.0f s\n",
			wrong.name, len(numbers), 1+(numbers[len(numbers)-1]-1)*wrong.stride, counts.Operations(), counts.Doubts, time.Since(began).Seconds())
		return err
	})
}

// failCall runs one server until its n-th call has failed.
func (t *trial) failCall(ctx context.Context, wrong wrongCall, n int64) error {
	injected, err := newInjection(wrong.call, n, wrong.errno)
	if err != nil {
		return err
	}
	command, err := injected.command()
	if err != nil {
		return err
	}
	s, err := t.lab.Start(0, lab.Way{Command: command, Files: []*os.File{injected.its}})
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() { answered <- injected.answer() }()
	err = t.untilDeath(ctx, s, wrong.errno.Error())
	if err := errors.Join(err, <-answered); err != nil {
		return err
	}
	if seen := injected.seen.Load(); seen < n {
		return fmt.Errorf("the server ended after %d calls", seen)
	}
	return nil
}
