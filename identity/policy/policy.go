package policy

import (
	"strconv"
	"time"
)

// Config returns the policy as it is written down, with its sets in the order of
// their lists. [New] makes the same policy of it.
func (p Policy) Config() Config {
	c := Config{
		Lifetime: p.duration(lifetime), RenewalWindow: p.duration(renewalWindow), Grace: p.duration(grace),
		ApprovalLifetime: p.duration(approvalLifetime),
		Keys:             told(p, keys, KeyKinds()), KeyProtection: told(p, keyProtection, KeyProtections()),
		Evidence: told(p, evidence, EvidenceKinds()), Approval: told(p, approval, Subjects()),
	}
	if p.set.has(profile) {
		c.Profile = new(p.said[profile].name)
	}
	if p.set.has(forks) {
		c.Forks = new(ForkRules()[p.said[forks].n])
	}
	if p.set.has(approvalOver) {
		c.ApprovalOver = new(p.said[approvalOver].n)
	}
	if p.set.has(ownerInCertificate) {
		c.OwnerInCertificate = new(p.said[ownerInCertificate].n == saidYes)
	}
	if p.loosen != 0 {
		c.Loosen = members(int64(p.loosen), Fields())
	}
	return c
}

func (p Policy) duration(i index) *Duration {
	if !p.set.has(i) {
		return nil
	}
	return new(Duration(time.Duration(p.said[i].n)))
}

func told[T ~string](p Policy, i index, all []T) []T {
	if !p.set.has(i) {
		return nil
	}
	return members(p.said[i].n, all)
}

// element returns the path of a list's element.
func element(member string, at int) string { return member + "[" + strconv.Itoa(at) + "]" }
