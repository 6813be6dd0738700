package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says who plays.
type Config struct {
	Site *Site
	// Clients is how many requests are under way at once, 1 to 1,000.
	Clients int
	// Seed decides who does what. The order in which it happens is the machine's
	// affair.
	Seed uint64
	// Name begins the serial numbers and the fleets' paths of this run: 1 to 16 of
	// a-z and 0-9. Two runs on one store have different ones.
	Name string
	// Patience is how long a device waits for an answer before its request is in
	// doubt; 10 s where it is 0. Operators wait a minute.
	Patience time.Duration
	// Grace is how long servers may take to settle a doubt, and to say again what
	// they said; 20 s where it is 0. To follow each other they have a quarter of it.
	Grace time.Duration
	// Clock is for stories.
	Clock func() time.Time
}

// Fleet is the devices and the operators of a site.
type Fleet struct {
	Ledger *Ledger
	config Config
	doors  *doors
	log    *follower

	mu       sync.Mutex // guards what follows
	random   *rand.Rand
	orders   int                  // how many were asked for
	ordering int                  // orders under way
	touched  map[*Device]struct{} // since the last Verify
	waiting  []*Device            // with tickets, not enrolled
	living   []*Device            // enrolled, oldest first
	avoided  []int                // nodes
}

// New checks c and asks nobody yet. The caller closes the fleet.
func New(c Config) (*Fleet, error) {
	if c.Site == nil || c.Clients < 1 || c.Clients > 1000 || c.Name == "" || len(c.Name) > 16 || c.Clock == nil {
		return nil, errors.New("a fleet needs a site, 1 to 1,000 clients, a name of at most 16 characters and a clock")
	}
	ways, err := openDoors(c.Site, cmp.Or(c.Patience, defaultPatience))
	if err != nil {
		return nil, err
	}
	c.Grace = cmp.Or(c.Grace, defaultGrace)
	f := &Fleet{
		Ledger: &Ledger{}, config: c, doors: ways, log: newFollower(ways),
		random:  rand.New(rand.NewPCG(c.Seed, 1)),
		touched: map[*Device]struct{}{},
	}
	return f, nil
}

// defaultGrace is for slow machines: the design says a second for OCSP on other
// nodes and for CRLs.
const defaultGrace = 20 * time.Second

// followTime is how long what was told on one node may take to be told on all, and
// by CRLs.
func (f *Fleet) followTime() time.Duration { return f.config.Grace / 4 }

// Close lets go of the connections.
func (f *Fleet) Close() { f.doors.close() }

// chance returns a number from 0 to n-1.
func (f *Fleet) chance(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(n)
}

// touch has the next Verify look at a device.
func (f *Fleet) touch(d *Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched[d] = struct{}{}
}

// each calls fn with every item, as many at once as there are clients.
func each[T any](ctx context.Context, f *Fleet, items []T, fn func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(f.config.Clients)
	for _, item := range items {
		group.Go(func() error { return fn(ctx, item) })
	}
	return group.Wait()
}

// Pauses between two attempts at what is not settled.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// again calls fn until it returns anything but errOpen, until the time is over.
func again(ctx context.Context, most time.Duration, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := fn()
		if !errors.Is(err, errOpen) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not in %s: %w", most, err)
		case <-time.After(pause):
		}
	}
}
