package enroll

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// DefaultProfile is the profile of an order that names none.
const DefaultProfile = "default"

// Config is what a Service needs. Zero values of Limits, CRLLifetime,
// ReenrolWindow, MembershipLifetime, BranchFleets, Log and Observer stand for the defaults named
// there.
type Config struct {
	Store Store
	// Issuers are all that still count: certificates of any of them renew, and
	// they go on signing CRLs. Issuing is the id of the one that issues.
	Issuers []*ca.Issuer
	Issuing string
	// Profiles are the devices' profiles; one is called DefaultProfile.
	Profiles []ca.Profile
	PEN      identity.PEN
	Limits   Limits
	// LogSigner signs checkpoints of the audit log; its name is the log's origin.
	LogSigner *audit.Key
	// FormerLogSigners are keys that signed checkpoints until LogSigner took their
	// place, and sign them besides it until whoever checks them has the new key.
	FormerLogSigners []*audit.Key
	// CRLLifetime is from thisUpdate to nextUpdate; 24 hours by default.
	CRLLifetime time.Duration
	// ReenrolWindow is how long a permission to re-enrol lasts; 24 hours by default.
	ReenrolWindow time.Duration
	// Standing returns the grants that the configuration gives to the groups of a
	// provider. What was left to a token is done with them, as far as its maker is
	// remembered to be in the groups; nil for none.
	Standing func(issuer string, groups []string) []identity.Grant
	// MembershipLifetime is how long somebody's groups count without them calling; 90
	// days by default.
	MembershipLifetime time.Duration
	// ChannelBinding says what becomes of CSRs that are bound to a TLS connection, or
	// not; BindingOffered by default.
	ChannelBinding BindingRule
	// BranchFleets is how many fleets there may be in each fleet right below the root,
	// itself among them, 1 to MaxBranchFleets; DefaultBranchFleets by default.
	BranchFleets int
	// Retention says what leaves the store for the archive, and when.
	Retention Retention
	// Clock is the machine's. ClockLimits say how far it may be off before nothing is
	// issued by it.
	Clock       func() time.Time
	ClockLimits ClockLimits
	// Elapsed returns how long ago the service started, whatever is done to the
	// machine's clock; nil for what the monotonic readings in Clock's answers say.
	Elapsed func() time.Duration
	// Looks find out about alarms besides the service's own. Node is what this node is
	// called where an alarm is its alone; empty for nothing.
	Looks    []Look
	Node     string
	Rand     io.Reader
	Log      *slog.Logger
	Observer Observer
}

// Limits bound what a slow key or a guesser can hold up.
type Limits struct {
	// Signatures is how many signatures may be in flight; 64 by default.
	Signatures int
	// SignatureWait bounds waiting for a place and for the signature itself; 10
	// seconds by default.
	SignatureWait time.Duration
	// Guesses is how many wrong secrets one source may show for one name before it
	// has to wait; 10 by default.
	Guesses int
	// Names is how many names one network may show wrong secrets for, of scoped
	// tokens and claim codes, before it may only guess at one more each so often that it
	// would be as many in a quarter of an hour; 100 by default.
	Names int
	// Live is how many good, unexpired certificates a device may have at a time,
	// so that one that renews in a loop is told to wait; 256 by default. A profile's
	// lifetime over the time between renewals must stay below it.
	Live int
}

func (c *Config) setDefaults() {
	setDefault(&c.Limits.Signatures, 64)
	setDefault(&c.Limits.SignatureWait, 10*time.Second)
	setDefault(&c.Limits.Guesses, 10)
	setDefault(&c.Limits.Names, 100)
	setDefault(&c.Limits.Live, 256)
	setDefault(&c.ChannelBinding, BindingOffered)
	setDefault(&c.BranchFleets, DefaultBranchFleets)
	c.ClockLimits.setDefaults()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// issuingSince returns when the issuing CA was certified.
func (c *Config) issuingSince() (since time.Time) {
	for _, issuer := range c.Issuers {
		if issuer.ID() == c.Issuing {
			since = issuer.Certificate().NotBefore
		}
	}
	return since
}

// validate reports every fault at once.
func (c *Config) validate() error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	need(c.Store != nil, "no store")
	need(c.Clock != nil && c.Rand != nil, "no clock or no randomness")
	need(c.Limits.Signatures > 0 && c.Limits.SignatureWait > 0 && c.Limits.Guesses > 0 && c.Limits.Names > 0 && c.Limits.Live > 0, "limits must be positive")
	need(c.ClockLimits.Tolerance > 0 && c.ClockLimits.MaxJump > 0 && c.ClockLimits.MaxIdle > 0, "limits of the clock must be positive")
	need(slices.Contains(BindingRules(), c.ChannelBinding), "channel binding is one of %v, not %q", BindingRules(), c.ChannelBinding)
	need(c.BranchFleets >= 1 && c.BranchFleets <= MaxBranchFleets, "a branch has 1 to %d fleets at most, not %d", MaxBranchFleets, c.BranchFleets)
	faults = append(faults, c.PEN.Validate())
	live := c.live()
	live.setDefaults()
	faults = append(faults, live.faults()...)
	return errors.Join(faults...)
}
