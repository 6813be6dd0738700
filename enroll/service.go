package enroll

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/sync/errgroup"
)

// Service is the path and all that stands beside it. Its methods may be called
// concurrently. Every one of them authorises its principal itself; what a
// principal may not know of is NotFound.
type Service struct {
	store   Store
	pen     identity.PEN
	maxLive int
	// branchFleets is how many fleets there may be in each fleet right below the root.
	branchFleets  int
	current       atomic.Pointer[live] // see live
	reconfiguring sync.Mutex           // held while another live takes its place
	clock         *clock
	binding       BindingRule
	rand          io.Reader
	log           *slog.Logger
	observer      Observer

	strides   *strides
	people    *people
	guesses   *guesses
	refusals  *refusals
	uses      *uses
	signing   *signing
	keyMakers chan struct{} // a place for each key that is being made
	splits    *splits
	turned    *turnedAway
	publisher *publisher
	follower  *follower // nil for a store without other nodes
	alarms    *alarms
	watched   *watched
	looks     []Look
	node      string
	jobWork   chan struct{} // holds a token while a job may be waiting
	withdrawn []func(...ca.Serial)
}

// New checks c, opens what the installation has one of (making it on the first
// start), and records an issuer that issues for the first time.
func New(ctx context.Context, c Config) (*Service, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configure enrolment: %w", err)
	}
	timepiece := newClock(c.Clock, c.Elapsed, c.ClockLimits, c.issuingSince())
	s := &Service{
		store: c.Store, pen: c.PEN, maxLive: c.Limits.Live, clock: timepiece, rand: c.Rand, log: c.Log, observer: c.Observer,
		branchFleets: c.BranchFleets, binding: c.ChannelBinding,
		guesses: newGuesses(c.Limits, timepiece.steady), refusals: newRefusals(timepiece.steady), uses: newUses(), signing: newSigning(c.Limits),
		keyMakers: make(chan struct{}, makersOfKeys), jobWork: make(chan struct{}, 1), strides: newStrides(), splits: newSplits(), turned: newTurnedAway(),
		alarms: newAlarms(), watched: &watched{}, looks: c.Looks, node: c.Node,
	}
	installation, err := openInstallation(ctx, s.store, s.rand)
	if err != nil {
		return nil, err
	}
	s.people = newPeople(installation.PseudonymKey)
	s.publisher = newPublisher(s)
	first := c.live()
	first.setDefaults()
	now := newLive(first, c.Retention.Archive)
	s.current.Store(now)
	if err := s.openClock(ctx); err != nil {
		return nil, err
	}
	if s.store.Elsewhere() != nil {
		if s.follower, err = newFollower(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := s.countOldGuards(ctx); err != nil {
		return nil, fmt.Errorf("count the branches whose authority is guarded: %w", err)
	}
	return s, s.install(ctx, now, nil)
}

// OnWithdrawn has f called with the certificates whose status changed: here, after
// the change is durable and before the caller is told; on other nodes, soon after.
// It may be called with the same ones again. It must be set before the service is
// used.
func (s *Service) OnWithdrawn(f func(...ca.Serial)) { s.withdrawn = append(s.withdrawn, f) }

// Run does the work that nobody asks for: it publishes CRLs, follows the other
// nodes, records in aggregate what was refused to unauthenticated callers and over and
// over, watches the issuers' ends and whatever else may give an alarm, and does what was
// asked for many devices at once. It returns when ctx is done, after what it was doing.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.publisher.run(ctx) })
	group.Go(func() error { return s.countShards(ctx) })
	group.Go(func() error { return s.keepHouse(ctx) })
	group.Go(func() error { return s.follow(ctx) })
	group.Go(func() error { return s.archive(ctx) })
	group.Go(func() error { return s.runJobs(ctx) })
	group.Go(func() error { return s.watchAlarms(ctx) })
	return group.Wait()
}

// ErrUnfinished is wrapped where a store is the beginning of a copy of another:
// package store/transfer writes the installation last.
var ErrUnfinished = errors.New("the store is an unfinished copy of another")

// openInstallation reads the installation's row or makes it.
func openInstallation(ctx context.Context, store Store, random io.Reader) (Installation, error) {
	fresh := make([]byte, 32)
	if _, err := io.ReadFull(random, fresh); err != nil {
		return Installation{}, fmt.Errorf("make a pseudonym key: %w", err)
	}
	var found Installation
	err := store.Update(ctx, func(tx Tx) error {
		var err error
		found, err = tx.Installation()
		if errors.Is(err, ErrNotFound) {
			found = Installation{PseudonymKey: fresh}
			return tx.PutInstallation(found)
		}
		return err
	})
	if err == nil && len(found.PseudonymKey) != len(fresh) {
		err = fmt.Errorf("%w: run touchmark store copy again, it goes on where it was", ErrUnfinished)
	}
	if err != nil {
		return Installation{}, fmt.Errorf("open the installation: %w", err)
	}
	return found, nil
}

// randomText returns n random octets as lower-case base32.
func (s *Service) randomText(n int) (string, error) {
	octets := make([]byte, n)
	if _, err := io.ReadFull(s.rand, octets); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return text32.EncodeToString(octets), nil
}
