package server

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/metrics"
	"github.com/touchmark/touchmark/enroll"
)

// reloadTimeout bounds what a reload waits for, such as an HSM or the store.
const reloadTimeout = time.Minute

// reloading is what is known of the configuration that holds. It belongs to the
// goroutine that reloads.
type reloading struct {
	settings *config.Settings // what holds
	// begun are those that the process began with, which hold where a key needs a
	// restart.
	begun *config.Settings
	material
}

// keepReloading reads the configuration again whenever it is told to, until ctx is
// done.
func (s *server) keepReloading(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Config.Reload:
			s.reload(ctx)
		}
	}
}

// reload has a changed configuration hold, all of it that can without a restart, or
// nothing of it where anything is wrong. It says which, in one line of the log.
func (s *server) reload(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	next, warnings, err := s.Read()
	if err != nil {
		s.reloadFailed(ctx, err, nil)
		return
	}
	for _, warning := range warnings {
		s.Log.WarnContext(ctx, "configuration", "key", warning.Key, "warning", warning.Text)
	}
	waiting := config.Changed(s.reloading.begun.Written, next.Written, config.OnRestart)
	next.KeepForRestart(s.reloading.begun)
	changed, err := s.apply(ctx, next)
	if err != nil {
		s.reloadFailed(ctx, err, waiting)
		return
	}
	outcome := metrics.ReloadApplied
	if len(changed) == 0 {
		outcome = metrics.ReloadUnchanged
	}
	s.metrics.Reload(outcome, len(waiting))
	report := s.Log.InfoContext
	if len(waiting) > 0 {
		report = s.Log.WarnContext
	}
	report(ctx, "configuration reloaded", "outcome", outcome, "changed", changed, "need_restart", waiting, "digest", next.Digest)
}

// reloadFailed says everything that is wrong.
func (s *server) reloadFailed(ctx context.Context, err error, waiting []string) {
	s.metrics.Reload(metrics.ReloadFailed, 0)
	said := []string{err.Error()}
	var faults config.Faults
	if errors.As(err, &faults) {
		said = said[:0]
		for _, fault := range faults {
			said = append(said, fault.String())
		}
	}
	s.Log.ErrorContext(ctx, "configuration not reloaded: nothing was changed, and the server goes on as before", "faults", said, "need_restart", waiting)
}

// apply makes everything new that can fail, records the change, and then puts the new
// in the place of the old, which cannot fail. It returns what changed.
func (s *server) apply(ctx context.Context, next *config.Settings) (changed []string, err error) {
	m, faults := gather(ctx, next, s.Clock(), s.Log, s.keys, s.reloading.anchors)
	if len(faults) > 0 {
		return nil, faults
	}
	verifier, err := s.verifier(next, m.anchors)
	if err != nil {
		return nil, err
	}
	public, err := s.statusDoor(next)
	if err != nil {
		return nil, err
	}
	changed = config.Changed(s.reloading.settings.Written, next.Written, config.OnReload)
	changed = append(changed, s.reloading.differences(&m)...)
	slices.Sort(changed)
	changed = slices.Compact(changed)
	if len(changed) == 0 {
		return nil, nil
	}
	if err := s.service.Reconfigure(ctx, m.live(next, verifier.Standing), enroll.Change{Keys: changed, Digest: next.Digest}); err != nil {
		return nil, err
	}
	s.tokens.current.Store(verifier)
	s.publicDoor.set(public)
	s.metricsDoor.set(s.newMetricsDoor(next))
	s.metrics.WatchIssuers(m.issuers, m.issuing)
	s.setLevel(next)
	if m.issuing != s.reloading.issuing || slices.ContainsFunc(changed, isName) {
		s.own.rename(ownNames{dns: next.DNSNames, ips: next.IPs})
	}
	s.reloading.settings, s.reloading.material = next, m
	return changed, nil
}

// differences names what is not in the file, and not as it was: the keys that name
// what it lies in.
func (m *material) differences(next *material) []string {
	var keys []string
	if next.issuing != m.issuing || !slices.EqualFunc(m.issuers, next.issuers, sameIssuer) {
		keys = append(keys, "ca.dir")
	}
	if next.logKey.Verifier() != m.logKey.Verifier() {
		keys = append(keys, "log.key")
	}
	if next.anchors.text != m.anchors.text {
		keys = append(keys, "oidc.ca")
	}
	return keys
}

func sameIssuer(a, b *ca.Issuer) bool {
	return a.Anchor().Equal(b.Anchor()) && slices.EqualFunc(a.Chain(), b.Chain(), func(c, d *x509.Certificate) bool { return c.Equal(d) })
}

// isName reports whether a key is one of the listeners' names.
func isName(key string) bool { return key == "names" || strings.HasPrefix(key, "names[") }

// setLevel has the log take as much as the settings say.
func (s *server) setLevel(settings *config.Settings) {
	if s.Level != nil {
		s.Level.Set(settings.LogLevel)
	}
}
