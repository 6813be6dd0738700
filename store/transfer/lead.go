package transfer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// alone runs fn while no node works with either store: every node at work leads
// its store's tasks or waits to lead them, so that whoever leads them all is
// alone, as far as can be told. fn's context is done when a lead is lost.
func (c *copier) alone(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel(nil)
	for _, store := range []struct {
		enroll.Store
		name string
	}{{c.From, "source"}, {c.To, "target"}} {
		for _, task := range []enroll.Task{enroll.TaskPublish, enroll.TaskArchive, enroll.TaskJobs} {
			l := &lead{store: store.Store, name: store.name, task: task}
			if err := l.take(ctx); err != nil {
				return err
			}
			wait.Go(func() { l.keep(ctx, cancel) })
		}
	}
	err := c.open(ctx)
	if err == nil {
		err = fn(ctx)
	}
	if lost := context.Cause(ctx); err != nil && lost != nil {
		return lost
	}
	return err
}

// lead is of one task of one store.
type lead struct {
	store enroll.Store
	name  string
	task  enroll.Task
	token uint64
}

// take waits a little for whoever led before, who may have been killed.
func (l *lead) take(ctx context.Context) error {
	giveUp := time.NewTimer(leadWait)
	defer giveUp.Stop()
	for {
		var err error
		if l.token, err = l.store.Lead(ctx, l.task); err != nil {
			return fmt.Errorf("the %s: %w", l.name, err)
		}
		if l.token != 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-giveUp.C:
			return l.inUse()
		case <-time.After(leadRetry):
		}
	}
}

// keep leads on until ctx is done, and cancels it when another leads.
func (l *lead) keep(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(enroll.LeadTerm / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch token, err := l.store.Lead(ctx, l.task); {
		case err != nil:
			cancel(fmt.Errorf("the %s: %w", l.name, err))
		case token != l.token:
			cancel(l.inUse())
		}
	}
}

func (l *lead) inUse() error {
	return fmt.Errorf("%w: a node works with the %s; stop every touchmark serve that does, and copy again", ErrInUse, l.name)
}
