package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
	"github.com/touchmark/touchmark/store/bolt"
)

// exitUnavailable is the exit code of a server whose store failed (design,
// section 9).
const exitUnavailable = 6

// dyingTime is how long clients may have to work until a server dies.
const dyingTime = 30 * time.Second

// trial is a lab whose server is made to fail, again and again.
type trial struct {
	lab   *lab.Lab
	fleet *fleet.Fleet
}

// newTrial has clients for a lab that wait so long for an answer; 0 as usual.
func newTrial(l *lab.Lab, patience time.Duration) (*trial, error) {
	f, err := fleet.New(fleet.Config{Site: l.Site, Clients: clients, Seed: 1, Name: "f", Patience: patience, Clock: time.Now})
	return &trial{lab: l, fleet: f}, err
}

// untilDeath has the clients work until the server ends, and holds its end to
// what is promised: the exit code 6, and why on standard error.
func (t *trial) untilDeath(ctx context.Context, s *lab.Server, why string) error {
	defer s.Kill()
	err := s.Await(ctx)
	switch {
	case errors.Is(err, lab.ErrEnded): // it did not even begin
	case err != nil:
		return err
	default:
		working, stop := context.WithTimeout(ctx, dyingTime)
		go func() {
			defer stop()
			select {
			case <-s.Ended():
			case <-working.Done():
			}
		}()
		t.fleet.Work(working)
	}
	code, err := s.ExitCode(ctx)
	if err != nil {
		return err
	}
	if code != exitUnavailable {
		return fmt.Errorf("the server ended with exit code %d, not %d; it said:\n%s", code, exitUnavailable, s.LastWords())
	}
	if said := s.Said(); !strings.Contains(said, why) || !strings.Contains(said, "touchmark: ") {
		return fmt.Errorf("the server does not say %q; it said:\n%s", why, s.LastWords())
	}
	return nil
}

// afterwards holds what is left to what was told: the file is sound as it is, a
// server starts on it, knows all that anybody received, and can be backed up.
func (t *trial) afterwards(ctx context.Context, scope fleet.Scope) (err error) {
	if err := bolt.Verify(t.lab.StoreFile()); err != nil {
		return fmt.Errorf("the store as the server left it: %w", err)
	}
	s, err := t.lab.Serve(ctx, 0)
	if err != nil {
		return fmt.Errorf("the restart: %w", err)
	}
	defer s.Kill()
	if err := judge(ctx, t.fleet, scope); err != nil {
		return fmt.Errorf("%w\nThe server said last:\n%s", err, s.LastWords())
	}
	copied := filepath.Join(t.lab.Dir, "backup.db")
	if said, err := t.lab.Command(ctx, "backup", copied).CombinedOutput(); err != nil {
		return fmt.Errorf("touchmark backup: %w\n%s", err, said)
	}
	return errors.Join(os.Remove(copied), ended(s))
}
