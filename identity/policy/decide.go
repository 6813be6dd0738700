package policy

import "time"

// Profile returns the profile of the branch, and false where the order's holds.
func (e Effective) Profile() (string, bool) { return e.value(profile).name, e.isSet(profile) }

// Lifetime returns how long a certificate is good for, whose profile says so long.
func (e Effective) Lifetime(profile time.Duration) time.Duration {
	return min(profile, e.value(lifetime).duration())
}

// MaxLifetime returns the longest lifetime of a certificate, and false where only
// the profile says one.
func (e Effective) MaxLifetime() (time.Duration, bool) { return e.duration(lifetime) }

// Keys returns the kinds of key that are accepted, and false where all are.
func (e Effective) Keys() ([]KeyKind, bool) { return accepted(e, keys, KeyKinds()) }

// AcceptsKey reports whether a key of that kind is accepted. Where no fleet says
// which, what has no kind is accepted too.
func (e Effective) AcceptsKey(kind KeyKind) bool { return e.has(keys, bit(kind, KeyKinds())) }

// KeyProtection returns where private keys may be kept, and false where that is
// anywhere.
func (e Effective) KeyProtection() ([]KeyProtection, bool) {
	return accepted(e, keyProtection, KeyProtections())
}

// AcceptsProtection reports whether a key that is kept so is accepted. Where no
// fleet says anything, what is not known to be protected is accepted too.
func (e Effective) AcceptsProtection(p KeyProtection) bool {
	return e.has(keyProtection, bit(p, KeyProtections()))
}

// Evidence returns what devices may prove themselves with, and false where that is
// anything.
func (e Effective) Evidence() ([]Evidence, bool) { return accepted(e, evidence, EvidenceKinds()) }

// AcceptsEvidence reports whether a device may prove itself with that.
func (e Effective) AcceptsEvidence(kind Evidence) bool {
	return e.has(evidence, bit(kind, EvidenceKinds()))
}

// RenewalWindow returns how long before its end a certificate may be renewed, and
// false where that is any time.
func (e Effective) RenewalWindow() (time.Duration, bool) { return e.duration(renewalWindow) }

// Grace returns how long after its end a certificate may be renewed, and whether a
// fleet says so; else it is 0.
func (e Effective) Grace() (time.Duration, bool) { return e.duration(grace) }

// Renews reports whether a certificate that is good from notBefore to notAfter may
// be renewed now, as far as time goes, and the first and the last moment at which
// it may: from where the renewal window opens to the end of grace. Evidence is
// another question.
func (e Effective) Renews(now, notBefore, notAfter time.Time) (ok bool, from, until time.Time) {
	from, until = notBefore, notAfter.Add(e.value(grace).duration())
	if window, limited := e.RenewalWindow(); limited {
		if opens := notAfter.Add(-window); opens.After(from) {
			from = opens
		}
	}
	return !now.Before(from) && !now.After(until), from, until
}

// Forks returns what becomes of a renewal from a certificate that is no longer the
// newest, and whether a fleet says so.
func (e Effective) Forks() (Forks, bool) { return ForkRules()[e.value(forks).n], e.isSet(forks) }

// AllowsForks reports whether such a renewal is taken.
func (e Effective) AllowsForks() bool { return e.value(forks).n == 1 }

// Approval returns what waits for a second person, and whether a fleet says so.
func (e Effective) Approval() ([]Subject, bool) {
	return members(e.value(approval).n, Subjects()), e.isSet(approval)
}

// NeedsApproval reports whether whatever is such a subject waits for a second
// person. What is no subject waits for nobody.
func (e Effective) NeedsApproval(s Subject) bool { return e.has(approval, bit(s, Subjects())) }

// ApprovalOver returns the number of devices above which an action waits for a
// second person, and false where their number does not matter.
func (e Effective) ApprovalOver() (int, bool) {
	return int(e.value(approvalOver).n), e.isSet(approvalOver)
}

// ActionWaits reports whether an action on so many devices waits for a second
// person, by their number or because all actions do.
func (e Effective) ActionWaits(devices int) bool {
	return e.NeedsApproval(SubjectActions) || int64(devices) > e.value(approvalOver).n
}

// ApprovalLifetime returns how long a request waits for approval, and whether a
// fleet says so; else it is a day.
func (e Effective) ApprovalLifetime() (time.Duration, bool) { return e.duration(approvalLifetime) }

// OwnerInCertificate reports whether certificates name the owner, and whether a
// fleet says so; else their profile does.
func (e Effective) OwnerInCertificate() (carries, set bool) {
	return e.value(ownerInCertificate).n == saidYes, e.isSet(ownerInCertificate)
}

func (e Effective) duration(i index) (time.Duration, bool) { return e.value(i).duration(), e.isSet(i) }

func (e Effective) has(i index, bit int64) bool { return e.value(i).n&bit != 0 }

func accepted[T ~string](e Effective, i index, all []T) ([]T, bool) {
	return members(e.value(i).n, all), e.isSet(i)
}
