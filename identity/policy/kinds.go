package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
)

// KeyKind is a kind of public key, by algorithm and strength.
type KeyKind string

// Every kind of key. An RSA key is of the largest kind that it reaches: one of
// 3584 bits is rsa-3072, and all from 4096 bits on are rsa-4096.
const (
	ECDSAP256 KeyKind = "ecdsa-p256"
	ECDSAP384 KeyKind = "ecdsa-p384"
	ECDSAP521 KeyKind = "ecdsa-p521"
	Ed25519   KeyKind = "ed25519"
	RSA2048   KeyKind = "rsa-2048"
	RSA3072   KeyKind = "rsa-3072"
	RSA4096   KeyKind = "rsa-4096"
)

// KeyKinds lists every kind of key.
func KeyKinds() []KeyKind {
	return []KeyKind{ECDSAP256, ECDSAP384, ECDSAP521, Ed25519, RSA2048, RSA3072, RSA4096}
}

// KeyKindOf returns the kind of a public key, and false where it has none. Every
// key that the CA accepts has one.
func KeyKindOf(key crypto.PublicKey) (KeyKind, bool) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return ECDSAP256, true
		case elliptic.P384():
			return ECDSAP384, true
		case elliptic.P521():
			return ECDSAP521, true
		}
	case ed25519.PublicKey:
		return Ed25519, true
	case *rsa.PublicKey:
		switch bits := key.N.BitLen(); {
		case bits >= 4096:
			return RSA4096, true
		case bits >= 3072:
			return RSA3072, true
		case bits >= 2048:
			return RSA2048, true
		}
	}
	return "", false
}

// KeyProtection says where a device keeps its private key.
type KeyProtection string

// Every protection, the weakest first.
const (
	Software      KeyProtection = "software"
	TPM           KeyProtection = "tpm"
	SecureElement KeyProtection = "secure-element"
)

// KeyProtections lists every protection.
func KeyProtections() []KeyProtection { return []KeyProtection{Software, TPM, SecureElement} }

// Evidence is a kind of proof that a device asks for a certificate with.
type Evidence string

// Every kind of evidence.
const (
	Ticket      Evidence = "ticket"
	Station     Evidence = "station"     // a station's word
	Certificate Evidence = "certificate" // the current certificate: a renewal
)

// EvidenceKinds lists every kind of evidence.
func EvidenceKinds() []Evidence { return []Evidence{Ticket, Station, Certificate} }

// Forks says what becomes of a renewal from a certificate that is no longer the
// newest of its device.
type Forks string

// The two answers to a fork.
const (
	RefuseForks Forks = "refuse"
	AllowForks  Forks = "allow"
)

// ForkRules lists the answers, the tighter first.
func ForkRules() []Forks { return []Forks{RefuseForks, AllowForks} }

// Subject is what may wait for a second person.
type Subject string

// Every subject of approval.
const (
	// SubjectEnrolment is each enrolment.
	SubjectEnrolment Subject = "enrolment"
	// SubjectActions are hold, release, revoke, retire, reenrol and assign of any
	// device: the branch is a protected one.
	SubjectActions Subject = "actions"
	// SubjectAuthority are changes of policies, fleets and grants.
	SubjectAuthority Subject = "authority"
)

// Subjects lists every subject.
func Subjects() []Subject { return []Subject{SubjectEnrolment, SubjectActions, SubjectAuthority} }
