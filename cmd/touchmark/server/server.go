package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
	"github.com/touchmark/touchmark/cmd/touchmark/metrics"
	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/oidc"
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
	keys      *keys.Keyring
	service   *enroll.Service
	tokens    *oidc.Verifier
	own       *ownCertificate
	responder *ocsp.Responder
	metrics   *metrics.Metrics
	admission *admit.Limiter
	listeners []*listener
	// stage is where in its life the process is, for /readyz.
	stage atomic.Pointer[string]
}

// open wires what the configuration names.
func open(ctx context.Context, c Config, kept enroll.Store) (*server, error) {
	s := &server{Config: c, store: kept, metrics: metrics.New(), admission: admit.New(admit.Config{Burst: c.Settings.Wait})}
	s.metrics.WatchAdmission(s.admission.Loads)
	s.enter("starting")
	folder := issuers.Of(c.Settings, c.Log)
	s.keys = folder.Keys
	all, issuing, err := folder.Load(ctx, c.Settings.PublicURL, c.Clock())
	if err != nil {
		return nil, err
	}
	signer, err := readLogKey(c.Settings.LogKey, c.Settings.LogOrigin)
	if err != nil {
		return nil, err
	}
	old, err := archive.Open(c.Settings.ArchiveDir)
	if err != nil {
		return nil, err
	}
	if s.tokens, err = s.verifier(); err != nil {
		return nil, err
	}
	s.service, err = enroll.New(ctx, enroll.Config{
		Store: kept, Issuers: all, Issuing: issuing, Profiles: c.Settings.Profiles, PEN: c.Settings.PEN,
		LogSigner: signer, CRLLifetime: c.Settings.CRLLifetime, ReenrolWindow: c.Settings.ReenrolWindow,
		Standing: s.tokens.Standing, MembershipLifetime: c.Settings.MembershipLifetime, BranchFleets: c.Settings.BranchFleets,
		ChannelBinding: c.Settings.ChannelBinding,
		Retention:      enroll.Retention{Archive: old, Certificates: c.Settings.CertificatesAfter, Records: c.Settings.RecordsAfter},
		Clock:          c.Clock, ClockLimits: c.Settings.Clock, Elapsed: c.Elapsed, Looks: s.looks(), Node: nodeName(),
		Rand: c.Rand, Log: c.Log, Observer: s.metrics,
	})
	if err != nil {
		return nil, err
	}
	s.metrics.WatchIssuers(all, issuing)
	s.metrics.WatchFollowing(s.service.FollowLag)
	s.metrics.WatchAlarms(s.service)
	s.own = &ownCertificate{
		issueOwn: s.service.IssueOwn, dnsNames: c.Settings.DNSNames, ips: c.Settings.IPs, span: s.span, rand: c.Rand, log: c.Log,
	}
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

// maxLogKey bounds the log's key file, in octets.
const maxLogKey = 4 << 10

// readLogKey reads the key that signs the log's checkpoints.
func readLogKey(path, origin string) (note.Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	if info.Size() > maxLogKey {
		return nil, fmt.Errorf("the log's key %s: more than %d octets; it is no key", path, maxLogKey)
	}
	text, err := os.ReadFile(path) // #nosec G304 -- named in the configuration
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the log's key %s: not a key as golang.org/x/mod/sumdb/note writes it", path) // err could hold the key
	}
	if signer.Name() != origin {
		return nil, fmt.Errorf("the log's key %s is for the log %q, but log.origin is %q; a log keeps its name", path, signer.Name(), origin)
	}
	return signer, nil
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
