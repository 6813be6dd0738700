package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
	"github.com/touchmark/touchmark/cmd/touchmark/metrics"
	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
	"github.com/touchmark/touchmark/store/archive"
)

// Config is what the server needs.
type Config struct {
	Settings *config.Settings
	Version  string
	Clock    func() time.Time
	Rand     io.Reader
	Log      *slog.Logger
	// Level, where it is not nil, is how much Log takes; the settings decide.
	Level *slog.LevelVar
	// Reload receives when the configuration is to be read again; nil for never.
	Reload <-chan os.Signal
	// Read reads the configuration again, for Reload.
	Read func() (*config.Settings, []config.Fault, error)
	// Elapsed and Room are what tests bring in place of the time that passes and of
	// the room on a folder's disk, in octets; nil for the machine's.
	Elapsed func() time.Duration
	Room    func(folder string) (free, size uint64, err error)
}

// ErrStoreFailed means that the store can promise nothing any more. A restart
// needs no repair.
var ErrStoreFailed = errors.New("the store failed and can promise nothing any more; the process ends so that a fresh one can begin with what is durable")

// Run serves until ctx is done, finishes what is in flight, and returns nil; or
// it returns why it could not begin or go on.
func Run(ctx context.Context, c Config) error {
	kept, err := store.Open(ctx, c.Settings.Store, store.Options{Log: c.Log})
	if err != nil {
		return err
	}
	return runOn(ctx, c, kept)
}

// runOn is Run on a store that is open, which it closes.
func runOn(ctx context.Context, c Config, kept enroll.Store) (err error) {
	defer func() { err = errors.Join(err, kept.Close()) }()
	s, err := open(ctx, c, kept)
	if err != nil {
		return err
	}
	defer s.keys.Close()
	return s.run(ctx)
}

// server is everything wired and bound.
type server struct {
	Config
	store     enroll.Store
	keys      *issuers.Keys
	service   *enroll.Service
	tokens    *tokens
	own       *ownCertificate
	responder *ocsp.Responder
	metrics   *metrics.Metrics
	admission *admit.Limiter
	listeners []*listener
	// publicDoor and metricsDoor are what is on the status and metrics listeners.
	publicDoor, metricsDoor swapped
	reloading               reloading
	// stage is where in its life the process is, for /readyz.
	stage atomic.Pointer[string]
}

// open wires what the configuration names.
func open(ctx context.Context, c Config, kept enroll.Store) (*server, error) {
	s := &server{Config: c, store: kept, metrics: metrics.New(), admission: admit.New(admit.Config{Burst: c.Settings.Wait})}
	s.metrics.WatchAdmission(s.admission.Loads)
	s.enter("starting")
	s.setLevel(c.Settings)
	s.keys = issuers.NewKeys()
	m, faults := gather(ctx, c.Settings, c.Clock(), c.Log, s.keys, anchors{})
	if len(faults) > 0 {
		return nil, faults
	}
	old, err := archive.Open(c.Settings.ArchiveDir)
	if err != nil {
		return nil, err
	}
	verifier, err := s.verifier(c.Settings, m.anchors)
	if err != nil {
		return nil, err
	}
	s.tokens = newTokens(verifier)
	live := m.live(c.Settings, verifier.Standing)
	s.service, err = enroll.New(ctx, enroll.Config{
		Store: kept, Issuers: live.Issuers, Issuing: live.Issuing, Profiles: live.Profiles, PEN: c.Settings.PEN,
		LogSigner: live.LogSigner, FormerLogSigners: live.FormerLogSigners, CRLLifetime: live.CRLLifetime, ReenrolWindow: live.ReenrolWindow,
		Standing: live.Standing, MembershipLifetime: live.MembershipLifetime, BranchFleets: c.Settings.BranchFleets,
		ChannelBinding: c.Settings.ChannelBinding,
		Retention:      enroll.Retention{Archive: old, Certificates: live.CertificatesAfter, Records: live.RecordsAfter},
		Clock:          c.Clock, ClockLimits: c.Settings.Clock, Elapsed: c.Elapsed, Looks: s.looks(), Node: nodeName(),
		Rand: c.Rand, Log: c.Log, Observer: s.metrics,
	})
	if err != nil {
		return nil, err
	}
	s.reloading = reloading{settings: c.Settings, begun: c.Settings, material: m}
	s.metrics.WatchIssuers(m.issuers, m.issuing)
	s.metrics.WatchFollowing(s.service.FollowLag)
	s.metrics.WatchAlarms(s.service)
	s.own = newOwnCertificate(s.service.IssueOwn, s.span, c)
	return s, s.wire(ctx)
}

// nodeName is what this node is called where an alarm is its alone.
func nodeName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// now is the time that the doors go by: the service's own, as soon as there is one.
func (s *server) now() time.Time {
	if s.service == nil {
		return s.Clock()
	}
	return s.service.Now()
}

// span is between what the earliest and the latest answer is to what time it is.
func (s *server) span() (earliest, latest time.Time) {
	seen := s.service.Clock()
	return seen.Earliest, seen.Latest
}

func (s *server) enter(stage string) { s.stage.Store(&stage) }

// ready is the answer of /readyz.
func (s *server) ready(context.Context) error {
	select {
	case <-s.store.Failed():
		return errors.New("the store failed")
	default:
	}
	if stage := *s.stage.Load(); stage != "" {
		return errors.New(stage)
	}
	if s.own.current.Load() == nil {
		return errors.New("the issuing key cannot be used, and the device and api listeners have no certificate; CRLs are served")
	}
	if lag := s.service.FollowLag(); lag > enroll.MaxFollowLag {
		return fmt.Errorf("no word of the other nodes for %s", lag.Truncate(time.Second))
	}
	if s.admission.Stuck() {
		return errors.New("overloaded: not even revocations and OCSP get through")
	}
	return nil
}

// run serves until ctx is done or something gives way.
func (s *server) run(ctx context.Context) error {
	renewal, err := s.own.issue(ctx)
	if errors.Is(err, ca.ErrNoSignature) {
		// What is signed can be served without the key, and CRLs are what others wait for.
		s.Log.ErrorContext(ctx, "the issuing key cannot be used: the device and api listeners have no certificate until it can", "error", err)
		renewal, err = s.own.again(), nil
	}
	if err != nil {
		s.closeListeners()
		return err
	}
	// Background work outlives the listeners, so that what they finish is finished.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	work, gaveUp := errgroup.WithContext(background)
	work.Go(func() error { return s.service.Run(background) })
	work.Go(func() error { s.own.keep(background, renewal); return nil })
	work.Go(func() error { s.keepReloading(background); return nil })
	work.Go(func() error { s.keepCompact(background); return nil })
	work.Go(func() error { s.admission.Adapt(background); return nil })
	work.Go(func() error { s.tellShed(background); return nil })

	serving, broke := errgroup.WithContext(ctx)
	for _, l := range s.listeners {
		s.Log.InfoContext(ctx, "listening", "listener", l.name, "addr", l.bound.Addr().String())
		serving.Go(l.serve)
	}
	s.enter("")
	s.Log.InfoContext(ctx, "ready", "version", s.Version)

	var failure error
	select {
	case <-broke.Done(): // told to end, or a listener broke
	case <-gaveUp.Done():
	case <-s.store.Failed():
		failure = ErrStoreFailed
	}
	s.enter("stopping")
	s.Log.InfoContext(ctx, "stopping: finishing what is in flight", "grace", grace)
	failure = errors.Join(failure, s.finish(ctx), serving.Wait())
	stopBackground()
	failure = errors.Join(failure, work.Wait())
	s.Log.InfoContext(ctx, "stopped")
	return failure
}

// finish stops all listeners at once. That requests did not end in time is a
// matter for the log.
func (s *server) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	var ending errgroup.Group
	for _, l := range s.listeners {
		ending.Go(func() error { return l.finish(ctx) })
	}
	return ending.Wait()
}

func (s *server) closeListeners() {
	for _, l := range s.listeners {
		_ = l.bound.Close()
	}
}
