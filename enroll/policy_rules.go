package enroll

import (
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity/policy"
)

// checkPolicyOf refuses a request that the policy of the place does not take: its
// evidence, its kind of key, or where the key is kept.
func checkPolicyOf(at *place, request *opened, evidence policy.Evidence, protection policy.KeyProtection) error {
	holds := at.policy
	if !holds.AcceptsEvidence(evidence) {
		return Refuse(Forbidden, "the policy of the device's fleet does not accept %s as evidence", evidence)
	}
	if kind, _ := policy.KeyKindOf(request.public); !holds.AcceptsKey(kind) {
		accepted, _ := holds.Keys()
		return Refuse(WeakKey, "the policy of the device's fleet does not accept %s keys; make one of %v", kind, accepted)
	}
	if !holds.AcceptsProtection(protection) {
		accepted, _ := holds.KeyProtection()
		return Refuse(WeakKey, "the policy of the device's fleet does not accept a key kept in %s; it must be kept in one of %v, and a station has to say so", protection, accepted)
	}
	return nil
}

// Protection returns where the device's latest key is kept, as far as anybody said: in
// software where nobody did.
func (d *Device) Protection() policy.KeyProtection {
	if d.KeyProtection == "" {
		return policy.Software
	}
	return d.KeyProtection
}

// recorded is how a device's record says where its key is kept: most are in
// software, and cost nothing.
func recorded(protection policy.KeyProtection) policy.KeyProtection {
	if protection == policy.Software {
		return ""
	}
	return protection
}

// profileAt returns the profile of certificates at a place: the one that policy
// wants, or else the one that is called usual, for no longer than policy allows.
func (s *Service) profileAt(by *live, at *place, usual string) (ca.Profile, error) {
	if wanted, set := at.policy.Profile(); set {
		usual = wanted
	}
	profile, err := s.profile(by, usual)
	if err != nil {
		return profile, err
	}
	if names, set := at.policy.OwnerInCertificate(); set {
		profile = profile.NamingOwner(names)
	}
	return profile.Within(at.policy.Lifetime(profile.Lifetime())), nil
}

// inTime refuses a renewal before the policy's window opens. What has expired came
// through the policy's grace already.
func inTime(at *place, presented *Certificate, now time.Time) error {
	ok, from, _ := at.policy.Renews(now, presented.NotBefore, presented.Serial.NotAfter())
	if !ok && now.Before(from) {
		return &Refusal{
			Code: RateLimited, RetryAfter: from.Sub(now),
			Message: "the policy of the device's fleet has certificates renewed from " + from.UTC().Format(time.RFC3339) + " on",
		}
	}
	return nil
}
