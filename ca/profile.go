package ca

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Purpose says what a certificate is for. It decides its key usages and which
// names it must carry.
type Purpose string

const (
	// PurposeDevice certificates identify a device, station or service as a
	// client: digitalSignature (and keyEncipherment for RSA), clientAuth.
	PurposeDevice Purpose = "device"
	// PurposeServer certificates are for Touchmark's own TLS listeners:
	// digitalSignature (and keyEncipherment for RSA), serverAuth.
	PurposeServer Purpose = "server"
	// PurposeOCSPResponder certificates sign OCSP answers for their issuer:
	// digitalSignature, OCSPSigning, id-pkix-ocsp-nocheck (RFC 6960, section
	// 4.2.2.2). They name neither a CRL nor an OCSP responder.
	PurposeOCSPResponder Purpose = "ocsp-responder"
)

// Bounds and defaults of a profile.
const (
	MinLifetime     = time.Minute
	MaxLifetime     = 30 * 8766 * time.Hour // 30 years of 365.25 days
	DefaultLifetime = 24 * time.Hour
	MaxBackdate     = 24 * time.Hour
	DefaultBackdate = time.Minute
)

// ProfileConfig is a profile as it is written down. [NewProfile] makes a
// [Profile] of it.
type ProfileConfig struct {
	// Name is [a-z0-9._-]{1,64}, such as "default". Required.
	Name string `json:"name" yaml:"name"`
	// Purpose is "device" (the default), "server" or "ocsp-responder".
	Purpose Purpose `json:"purpose,omitempty" yaml:"purpose,omitempty"`
	// Lifetime is how long a certificate is good from the moment of issuance, in
	// whole seconds: one minute to 30 years, 24 hours if zero. A certificate
	// never outlives its issuer.
	Lifetime time.Duration `json:"lifetime,omitempty" yaml:"lifetime,omitempty"`
	// Backdate is how far before issuance a certificate begins to be good, for
	// devices whose clock is late, in whole seconds: up to 24 hours, one minute
	// if zero.
	Backdate time.Duration `json:"backdate,omitempty" yaml:"backdate,omitempty"`
	// NoRevAvail says that certificates rely on their expiry alone (RFC 9608):
	// they carry the extension of that name and name no CRL and no OCSP
	// responder. For devices only, and meant for lifetimes of days at most.
	NoRevAvail bool `json:"no_rev_avail,omitempty" yaml:"no_rev_avail,omitempty"`
	// OwnerURN says that a device's certificate names its owner beside the device, as
	// a pseudonymous URN among its subject alternative names. A change of owner shows
	// at the next renewal. For devices only.
	OwnerURN bool `json:"owner_urn,omitempty" yaml:"owner_urn,omitempty"`
}

// Profile is a validated kind of certificate. Make it with [NewProfile].
type Profile struct{ config ProfileConfig }

var profileName = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

// NewProfile fills in defaults and reports everything that is wrong at once, as
// errors joined together, each beginning with the key that is at fault.
func NewProfile(config ProfileConfig) (Profile, error) {
	if config.Lifetime == 0 {
		config.Lifetime = DefaultLifetime
	}
	if config.Backdate == 0 {
		config.Backdate = DefaultBackdate
	}
	if config.Purpose == "" {
		config.Purpose = PurposeDevice
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if !profileName.MatchString(config.Name) {
		fault("name: %.64q must be 1 to 64 of a-z, 0-9, '.', '_' and '-'", config.Name)
	}
	switch config.Purpose {
	case PurposeDevice, PurposeServer, PurposeOCSPResponder:
	default:
		fault("purpose: %.40q is unknown; use %q, %q or %q", config.Purpose, PurposeDevice, PurposeServer, PurposeOCSPResponder)
	}
	if config.Lifetime < MinLifetime || config.Lifetime > MaxLifetime || config.Lifetime%time.Second != 0 {
		fault("lifetime: %s must be whole seconds from %s to %s (30 years)", config.Lifetime, MinLifetime, MaxLifetime)
	}
	if config.Backdate < 0 || config.Backdate > MaxBackdate || config.Backdate%time.Second != 0 {
		fault("backdate: %s must be whole seconds up to %s", config.Backdate, MaxBackdate)
	}
	if config.NoRevAvail && config.Purpose != PurposeDevice {
		fault("no_rev_avail: only device profiles may rely on expiry alone; remove it")
	}
	if config.OwnerURN && config.Purpose != PurposeDevice {
		fault("owner_urn: only devices have owners; remove it")
	}
	if len(faults) > 0 {
		return Profile{}, fmt.Errorf("profile %.64q: %w", config.Name, errors.Join(faults...))
	}
	return Profile{config}, nil
}

// Name returns the profile's name; it is empty only for the zero Profile.
func (p Profile) Name() string { return p.config.Name }

// Lifetime returns how long certificates are good from issuance.
func (p Profile) Lifetime() time.Duration { return p.config.Lifetime }

// Within returns the profile with a lifetime of at most that long, in whole seconds
// and at least MinLifetime, as a fleet's policy limits it.
func (p Profile) Within(lifetime time.Duration) Profile {
	p.config.Lifetime = min(p.config.Lifetime, max(lifetime.Truncate(time.Second), MinLifetime))
	return p
}

// NamingOwner returns the profile with certificates that name the device's owner, or
// do not, as a fleet's policy says.
func (p Profile) NamingOwner(names bool) Profile {
	p.config.OwnerURN = names
	return p
}

// Backdate returns how far before issuance certificates begin to be good.
func (p Profile) Backdate() time.Duration { return p.config.Backdate }

// NoRevAvail reports whether certificates rely on expiry alone (RFC 9608).
func (p Profile) NoRevAvail() bool { return p.config.NoRevAvail }

// OwnerURN reports whether certificates name the device's owner.
func (p Profile) OwnerURN() bool { return p.config.OwnerURN }

// Purpose returns what the certificates are for.
func (p Profile) Purpose() Purpose { return p.config.Purpose }

// Config returns the profile as it could be written down, defaults filled in.
func (p Profile) Config() ProfileConfig { return p.config }

// revocable reports whether certificates name the places where their status
// can be asked. A responder's certificate is trusted for its short life
// (RFC 6960, section 4.2.2.2.1).
func (p Profile) revocable() bool {
	return !p.config.NoRevAvail && p.config.Purpose != PurposeOCSPResponder
}

// kind is what two profiles share whose certificates differ in names and times
// alone.
type kind struct {
	purpose    Purpose
	noRevAvail bool
}

func (p Profile) kind() kind { return kind{p.config.Purpose, p.config.NoRevAvail} }
