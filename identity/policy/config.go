package policy

import (
	"slices"
	"strings"
	"time"
)

// Bounds and defaults of a policy's fields.
const (
	MinLifetime             = time.Minute
	MaxLifetime             = 30 * 8766 * time.Hour // 30 years of 365.25 days
	MaxGrace                = 366 * day
	MaxApprovalOver         = 10_000_000
	MinApprovalLifetime     = time.Minute
	MaxApprovalLifetime     = 30 * day
	DefaultApprovalLifetime = day
)

// Config is a policy as it is written down, by an operator and in the store. What
// is left out is inherited. [New] makes a [Policy] of it.
type Config struct {
	// Profile names the profile of the certificates that devices of the branch get,
	// whatever their order says: 1 to 64 of a-z 0-9 . _ -.
	Profile *string `json:"profile,omitempty"`
	// Lifetime is the longest that a certificate may be good for, one minute to 30
	// years; a profile may say less.
	Lifetime *Duration `json:"lifetime,omitempty"`
	// Keys are the kinds of key that are accepted, at least one.
	Keys []KeyKind `json:"keys,omitzero"`
	// KeyProtection says where the private keys may be kept, at least one.
	KeyProtection []KeyProtection `json:"key_protection,omitzero"`
	// Evidence is what devices may prove themselves with, at least one.
	Evidence []Evidence `json:"evidence,omitzero"`
	// RenewalWindow is how long before its end a certificate may be renewed, one
	// minute to 30 years; unset at every fleet it is any time.
	RenewalWindow *Duration `json:"renewal_window,omitempty"`
	// Grace is how long after its end a certificate may still be renewed, up to 366
	// days; not at all by default.
	Grace *Duration `json:"grace,omitempty"`
	// Forks is whether a certificate that is no longer its device's newest may be
	// renewed: "refuse", the default, or "allow".
	Forks *Forks `json:"forks,omitempty"`
	// Approval is what waits for a second person; an empty list is nothing, the
	// default, which is not the same as leaving it out.
	Approval []Subject `json:"approval,omitzero"`
	// ApprovalOver is the number of devices, 0 to 10,000,000: an action on more of
	// them waits for a second person.
	ApprovalOver *int64 `json:"approval_over,omitempty"`
	// ApprovalLifetime is how long a request waits for approval before it expires,
	// one minute to 30 days; 24 hours by default.
	ApprovalLifetime *Duration `json:"approval_lifetime,omitempty"`
	// OwnerInCertificate has certificates name the device's owner by a pseudonymous
	// URN; they do not by default.
	OwnerInCertificate *bool `json:"owner_in_certificate,omitempty"`
	// Loosen names fields that fleets below may set as loosely as if this fleet did
	// not set them. Where it does not set them there is nothing to loosen.
	Loosen []Field `json:"loosen,omitzero"`
}

// Policy is a checked policy of one fleet. The zero value says nothing: all is
// inherited. Policies that say the same are equal.
type Policy struct {
	said   [fieldCount]value
	set    fieldSet
	loosen fieldSet
}

// fieldSet has a bit for each field.
type fieldSet uint32

func (s fieldSet) has(i index) bool { return s&(1<<i) != 0 }
func (s *fieldSet) add(i index)     { *s |= 1 << i }

// Empty reports whether p sets no field.
func (p Policy) Empty() bool { return p.set == 0 }

// New checks a policy and reports all that is wrong with it at once, as [Faults].
func New(c Config) (Policy, error) {
	p, faults := Review(c)
	if err := faults.asError(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// Review is New, and returns what is right beside what is wrong, so that this can be
// held against what is inherited. Only what has no faults is a policy.
func Review(c Config) (Policy, Faults) {
	b := builder{}
	if c.Profile != nil {
		b.profile(*c.Profile)
	}
	b.duration(lifetime, c.Lifetime, MinLifetime, MaxLifetime)
	set(&b, keys, c.Keys, KeyKinds())
	set(&b, keyProtection, c.KeyProtection, KeyProtections())
	set(&b, evidence, c.Evidence, EvidenceKinds())
	b.duration(renewalWindow, c.RenewalWindow, MinLifetime, MaxLifetime)
	b.duration(grace, c.Grace, 0, MaxGrace)
	if c.Forks != nil {
		b.forks(*c.Forks)
	}
	set(&b, approval, c.Approval, Subjects())
	if c.ApprovalOver != nil {
		b.number(*c.ApprovalOver)
	}
	b.duration(approvalLifetime, c.ApprovalLifetime, MinApprovalLifetime, MaxApprovalLifetime)
	if c.OwnerInCertificate != nil {
		b.flag(*c.OwnerInCertificate)
	}
	b.policy.loosen = fieldSet(b.bits(memberLoosen, asStrings(c.Loosen), asStrings(Fields())))
	return b.policy, b.faults
}

// builder gathers a policy and its faults.
type builder struct {
	policy Policy
	faults Faults
}

func (b *builder) put(i index, v value) {
	b.policy.said[i] = v
	b.policy.set.add(i)
}

func (b *builder) profile(name string) {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		b.faults.add(string(FieldProfile), "is not the name of a profile: use 1 to 64 of a-z, 0-9, '.', '_' and '-'")
		return
	}
	b.put(profile, value{name: name})
}

func (b *builder) duration(i index, d *Duration, shortest, longest time.Duration) {
	if d == nil {
		return
	}
	whole := time.Duration(*d)
	switch {
	case whole < shortest || whole > longest:
		b.faults.add(string(i.field()), "is %s; use %s to %s", *d, Duration(shortest), inYears(longest))
	case whole%time.Second != 0:
		b.faults.add(string(i.field()), "is %s; use whole seconds", *d)
	default:
		b.put(i, value{n: int64(whole)})
	}
}

// inYears writes the one bound that nobody knows in hours.
func inYears(d time.Duration) string {
	if d == MaxLifetime {
		return "30 years"
	}
	return Duration(d).String()
}

func (b *builder) forks(f Forks) {
	at := slices.Index(ForkRules(), f)
	if at < 0 {
		b.faults.add(string(FieldForks), "is unknown; use %s", strings.Join(forks.words(), " or "))
		return
	}
	b.put(forks, value{n: int64(at)})
}

func (b *builder) number(n int64) {
	if n < 0 || n > MaxApprovalOver {
		b.faults.add(string(FieldApprovalOver), "is %d; use 0 to %d devices", n, MaxApprovalOver)
		return
	}
	b.put(approvalOver, value{n: n})
}

func (b *builder) flag(on bool) {
	v := value{n: saidNo}
	if on {
		v.n = saidYes
	}
	b.put(ownerInCertificate, v)
}

// set is a function because methods have no type parameters of their own.
func set[T ~string](b *builder, i index, list, all []T) {
	if list == nil {
		return
	}
	if len(list) == 0 && i.order() == fewer {
		b.faults.add(string(i.field()), "accepts nothing; name at least one of %s, or leave it out to inherit", strings.Join(i.words(), ", "))
		return
	}
	b.put(i, value{n: b.bits(string(i.field()), asStrings(list), asStrings(all))})
}

func (b *builder) bits(member string, list, all []string) (bits int64) {
	for at, word := range list {
		one := bit(word, all)
		switch {
		case one == noBit:
			b.faults.add(element(member, at), "is unknown; use %s", strings.Join(all, ", "))
		case bits&one != 0:
			b.faults.add(element(member, at), "%s is named twice; name it once", word)
		default:
			bits |= one
		}
	}
	return bits
}
