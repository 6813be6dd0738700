package config

import (
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// Settings are a File in which nothing is wrong: parsed, defaults filled in,
// paths absolute.
type Settings struct {
	Store    string // URL
	PEN      identity.PEN
	DNSNames []string // of the listeners, localhost among them
	IPs      []net.IP // of the listeners, the loopback addresses among them

	Device, API, Status Bind
	Metrics             Bind // without an Addr there is no such listener
	Pprof               bool
	PublicURL           string
	ParentCRLs          []string

	Anchor     string // file
	IssuerDir  string
	Passphrase keys.Passphrase

	ChannelBinding enroll.BindingRule // of CSRs over EST
	ServerKeygen   bool               // over EST

	Profiles      []ca.Profile
	OIDC          oidc.Config // without HTTPClient, Clock and Log
	OIDCAnchors   string      // file; empty for the machine's CAs alone
	LogKey        string      // file
	FormerLogKeys []string    // files
	LogOrigin     string
	CRLLifetime   time.Duration
	ReenrolWindow time.Duration
	// MembershipLifetime is how long groups count without their member calling.
	MembershipLifetime time.Duration
	// BranchFleets is how many fleets there may be in each fleet right below the root.
	BranchFleets int

	ArchiveDir                      string        // folder
	CertificatesAfter, RecordsAfter time.Duration // until they leave for it

	LogLevel slog.Level

	// Written is the file that the rest was made of.
	Written File
	// Digest is the SHA-256 of its text, in hexadecimal digits; empty where it was not
	// read from a file.
	Digest string

	Clock             enroll.ClockLimits
	DiskLow, DiskStop int64         // octets; DiskStop 0 to refuse nothing
	Wait              time.Duration // of a request for others
	Memory            int64         // octets; 0 for what the machine has
}

// Bind is where a listener listens.
type Bind struct {
	Addr           string
	MaxConnections int
}

// Defaults.
const (
	DefaultDeviceAddr  = "127.0.0.1:8443"
	DefaultAPIAddr     = "127.0.0.1:9443"
	DefaultStatusAddr  = "127.0.0.1:8080"
	DefaultMetricsAddr = "127.0.0.1:9090"
	DefaultIssuerDir   = "pki"
	DefaultArchiveDir  = "data/archive"
	defaultConnections = 10_000
	maxConnections     = 1_000_000
	defaultCRLLifetime = 24 * time.Hour
	defaultReenrol     = 24 * time.Hour
	maxCRLLifetime     = 90 * 24 * time.Hour
	maxReenrol         = 90 * 24 * time.Hour
	defaultMembership  = 90 * 24 * time.Hour
	leastMembership    = time.Hour
	mostMembership     = 10 * 365 * 24 * time.Hour
	// What leaves sooner could be missed by a node whose clock is late.
	leastRetention      = time.Hour
	mostRetention       = 10 * 365 * 24 * time.Hour
	defaultCertificates = 7 * 24 * time.Hour
	defaultRecords      = 30 * 24 * time.Hour
)

// ChainCheck is what the chain of an issuing CA has to be good for at the time
// now; the chain itself is the caller's to fill in.
func (s *Settings) ChainCheck(now time.Time) ca.ChainCheck {
	check := ca.ChainCheck{Now: now, PEN: uint32(s.PEN), ServerNames: slices.Clone(s.DNSNames)}
	for _, ip := range s.IPs {
		check.ServerNames = append(check.ServerNames, ip.String())
	}
	for _, profile := range s.Profiles {
		check.LongestLifetime = max(check.LongestLifetime, profile.Lifetime())
	}
	return check
}
