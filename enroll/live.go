package enroll

import (
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// Live is what of a Service's configuration may change while it runs; Config says
// what each member is. Zero values stand for the same defaults.
type Live struct {
	Issuers  []*ca.Issuer
	Issuing  string
	Profiles []ca.Profile
	// LogSigner signs checkpoints; FormerLogSigners sign them besides.
	LogSigner          *audit.Key
	FormerLogSigners   []*audit.Key
	CRLLifetime        time.Duration
	ReenrolWindow      time.Duration
	Standing           func(issuer string, groups []string) []identity.Grant
	MembershipLifetime time.Duration
	// CertificatesAfter and RecordsAfter are when what is old leaves for the archive,
	// as Retention has them.
	CertificatesAfter, RecordsAfter time.Duration
}

func (c *Config) live() Live {
	return Live{
		Issuers: c.Issuers, Issuing: c.Issuing, Profiles: c.Profiles, LogSigner: c.LogSigner, FormerLogSigners: c.FormerLogSigners,
		CRLLifetime: c.CRLLifetime, ReenrolWindow: c.ReenrolWindow, Standing: c.Standing, MembershipLifetime: c.MembershipLifetime,
		CertificatesAfter: c.Retention.Certificates, RecordsAfter: c.Retention.Records,
	}
}

func (l *Live) setDefaults() {
	setDefault(&l.CRLLifetime, 24*time.Hour)
	setDefault(&l.ReenrolWindow, 24*time.Hour)
	setDefault(&l.MembershipLifetime, 90*24*time.Hour)
	setDefault(&l.CertificatesAfter, 7*24*time.Hour)
	setDefault(&l.RecordsAfter, 30*24*time.Hour)
	if l.Standing == nil {
		l.Standing = func(string, []string) []identity.Grant { return nil }
	}
}

// faults reports everything that is wrong.
func (l *Live) faults() []error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	need(l.LogSigner != nil, "no key to sign checkpoints of the log with")
	if l.LogSigner != nil {
		for _, former := range l.FormerLogSigners {
			need(former.Name() == l.LogSigner.Name(), "a former key of the log is for %q, and the log is %q; a log keeps its name", former.Name(), l.LogSigner.Name())
		}
	}
	need(l.CRLLifetime >= time.Minute, "a CRL's lifetime is at least a minute, not %s", l.CRLLifetime)
	need(l.ReenrolWindow > 0, "the re-enrolment window must be positive")
	need(l.MembershipLifetime >= time.Minute, "groups count for at least a minute, not %s", l.MembershipLifetime)
	var issues, usual bool
	for _, issuer := range l.Issuers {
		issues = issues || issuer.ID() == l.Issuing
	}
	for _, profile := range l.Profiles {
		usual = usual || profile.Name() == DefaultProfile
	}
	need(issues, "no issuer %q among the %d configured: nothing can be signed", l.Issuing, len(l.Issuers))
	need(usual, "no profile called %q", DefaultProfile)
	return faults
}

// validate reports every fault at once.
func (l *Live) validate() error { return errors.Join(l.faults()...) }

// live is a Live as the service works with it. It is never changed: a new one takes
// its place, whole, and whoever works with the old one finishes with it. What is
// recorded is judged by the newest.
type live struct {
	issuers  map[string]*ca.Issuer
	issuing  *ca.Issuer
	counting []*ca.Issuer // all of issuers, the issuing one first
	upcoming []*ca.Issuer // those that issue or have never done so; install finds out
	profiles map[string]ca.Profile
	longest  time.Duration // lifetime of the longest profile
	logKeys  []*audit.Key  // the newest first

	crlLifetime   time.Duration
	reenrolWindow time.Duration
	standing      func(issuer string, groups []string) []identity.Grant
	// membershipLifetime is how long somebody's groups count without them.
	membershipLifetime time.Duration
	retention          Retention
	// moments remembers what followed from standing and membershipLifetime too, so
	// that it begins anew with them. Whoever keeps something in a moment reads them
	// after they have it: what they read is then as new as the moment, or the moment
	// is not asked any more.
	moments *moments
}

// newLive makes what works of what is valid.
func newLive(l Live, archive Archive) *live {
	n := &live{
		issuers: map[string]*ca.Issuer{}, profiles: map[string]ca.Profile{},
		logKeys:     append([]*audit.Key{l.LogSigner}, l.FormerLogSigners...),
		crlLifetime: l.CRLLifetime, reenrolWindow: l.ReenrolWindow,
		standing: l.Standing, membershipLifetime: l.MembershipLifetime,
		retention: Retention{Archive: archive, Certificates: l.CertificatesAfter, Records: l.RecordsAfter},
		moments:   newMoments(),
	}
	for _, issuer := range l.Issuers {
		n.issuers[issuer.ID()] = issuer
	}
	n.issuing = n.issuers[l.Issuing]
	n.counting = []*ca.Issuer{n.issuing}
	for _, issuer := range l.Issuers {
		if issuer != n.issuing {
			n.counting = append(n.counting, issuer)
		}
	}
	for _, profile := range l.Profiles {
		n.profiles[profile.Name()] = profile
		n.longest = max(n.longest, profile.Lifetime())
	}
	return n
}

// live is what holds now. It costs one atomic load.
func (s *Service) live() *live { return s.current.Load() }
