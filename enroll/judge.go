package enroll

import (
	"errors"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// verdict is what the rules say of a request: exactly one of refusal, recalled,
// waiting, plan and (from record) recorded is set, or none, which means judge again.
type verdict struct {
	refusal  *Refusal
	recalled *Certificate
	plan     *plan
	recorded *Certificate
	// waiting is the request that waits for a second person; one without an id has
	// still to be recorded.
	waiting *Approval
	ended   []ca.Serial // revoked because of it

	// What a refusal's record says: whether the caller proved who it is, for which
	// order and device, and the suspicion that it gives rise to, if any.
	proven    bool
	order     OrderID
	device    *Device
	suspicion EventKind
	// asking is the enrolment that waits, where waiting has still to be recorded.
	asking *plan
}

// plan is a certificate that may be issued, on the strength of what was read.
type plan struct {
	what    enrolment
	device  Device // as it was read, or new
	at      *place // where it stands
	forked  bool   // it renews from a certificate that is not the newest
	isNew   bool   // it counts against the order's quota
	order   OrderID
	profile ca.Profile
	issuer  *ca.Issuer
	// predecessor is the certificate that is renewed; zero for an enrolment.
	predecessor ca.Serial
	// owner is whom the device belongs to once it is recorded.
	owner owners
}

// enrolment says which way a certificate comes about.
type enrolment int

const (
	first   enrolment = iota // the device's first certificate
	another                  // a new lineage for an enrolled device
	renewal
)

// basis is all that a signature depends on. What was signed on one basis may be
// recorded by a later verdict of the same basis.
type basis struct {
	device  identity.DeviceID
	profile ca.Profile // all that it says, for it may be configured anew under the same name
	issuer  string
	// owner is whom the certificate names; empty where it names nobody.
	owner string
}

func (p *plan) basis() basis {
	return basis{
		device: p.device.ID, profile: p.profile, issuer: p.issuer.ID(), owner: p.namedOwner(),
	}
}

// namedOwner returns the person whom the certificate names, by pseudonym, as its
// profile has it; empty for nobody.
func (p *plan) namedOwner() string {
	if !p.profile.OwnerURN() {
		return ""
	}
	return p.owner.person
}

// judge applies the rules to a request: authorise, prove, recall, decide. It
// reads and never writes, and is asked twice: before signing, to refuse early,
// and inside the transaction that records, whose word counts.
func (s *Service) judge(r Reader, request *opened) (verdict, error) {
	request.by = s.live() // one, whatever takes its place meanwhile
	said, err := s.judgeEvidence(r, request)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		said.refusal, said.plan, said.recalled, said.waiting = refusal, nil, nil, nil
		return said, nil
	}
	return said, err
}

// judgeEvidence returns a verdict, or a Refusal as its error with as much of the
// verdict as was proven.
func (s *Service) judgeEvidence(r Reader, request *opened) (verdict, error) {
	switch evidence := request.Evidence.(type) {
	case TicketEvidence:
		c, err := proveTicket(r, evidence)
		return s.judgeEnrolment(r, request, c, err)
	case VouchEvidence:
		c, err := s.proveVouch(r, request.Principal, evidence)
		return s.judgeEnrolment(r, request, c, err)
	case CertificateEvidence:
		return s.judgeRenewal(r, request, evidence)
	default:
		return verdict{}, Refuse(Unauthenticated, "no evidence of which device this is")
	}
}

// checkKey refuses a key that belongs to another device or must not be used.
func checkKey(r Reader, key ca.KeyHash, device identity.DeviceID) error {
	use, err := r.Key(key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case use.Compromised:
		return Refuse(WeakKey, "this key was reported as compromised; make a new key")
	case use.Device != device:
		return Refuse(KeyInUse, "this key belongs to another device; every device makes its own key")
	default:
		return nil
	}
}

// profile returns the profile called name of what a request is judged by, which
// configuration may have dropped.
func (s *Service) profile(by *live, name string) (ca.Profile, error) {
	profile, ok := by.profiles[name]
	if !ok {
		s.log.Error("an order's profile is not configured any more", "profile", name)
		return ca.Profile{}, Refuse(Unavailable, "the profile %q is not configured; the operator of the service can add it", name)
	}
	return profile, nil
}
