package ca

import "fmt"

// Reason says why a certificate was revoked: CRLReason of RFC 5280, section
// 5.3.1. The numbers are the standard's; 7 is not used.
type Reason int

// The reasons of RFC 5280, section 5.3.1. [CertificateHold] is the only
// one that can be taken back; [RemoveFromCRL] belongs to delta CRLs only.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

// Reasons lists every reason in the order of its number.
func Reasons() []Reason {
	return []Reason{
		Unspecified, KeyCompromise, CACompromise, AffiliationChanged, Superseded,
		CessationOfOperation, CertificateHold, RemoveFromCRL, PrivilegeWithdrawn, AACompromise,
	}
}

// String writes the reason as RFC 5280 spells it, such as "keyCompromise".
func (r Reason) String() string {
	switch r {
	case Unspecified:
		return "unspecified"
	case KeyCompromise:
		return "keyCompromise"
	case CACompromise:
		return "cACompromise"
	case AffiliationChanged:
		return "affiliationChanged"
	case Superseded:
		return "superseded"
	case CessationOfOperation:
		return "cessationOfOperation"
	case CertificateHold:
		return "certificateHold"
	case RemoveFromCRL:
		return "removeFromCRL"
	case PrivilegeWithdrawn:
		return "privilegeWithdrawn"
	case AACompromise:
		return "aACompromise"
	default:
		return fmt.Sprintf("Reason(%d)", int(r))
	}
}

// ParseReason reads a reason as [Reason.String] writes it, exactly.
func ParseReason(text string) (Reason, error) {
	for _, r := range Reasons() {
		if text == r.String() {
			return r, nil
		}
	}
	return 0, fmt.Errorf("unknown revocation reason %.40q; use a name of RFC 5280, section 5.3.1, such as %q", text, KeyCompromise.String())
}

// MarshalText implements [encoding.TextMarshaler]; a number that is no reason
// is an error.
func (r Reason) MarshalText() ([]byte, error) {
	text := r.String()
	if _, err := ParseReason(text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseReason].
func (r *Reason) UnmarshalText(text []byte) error {
	parsed, err := ParseReason(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
