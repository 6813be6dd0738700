package enroll

import (
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// Request asks for a certificate, whatever protocol it came by.
type Request struct {
	// Principal is whoever calls; nobody where the evidence alone speaks.
	Principal identity.Principal
	Evidence  Evidence
	// CSR is a PKCS#10 request in DER. Nothing but its key is taken from it.
	CSR []byte
	// Fault is what the door found wrong with the CSR's wrapping, instead of a CSR.
	// Like a bad CSR it is told only to those who may enrol.
	Fault *Refusal
	// Source is the caller's IP address, without a port.
	Source string
	// MakeKey asks for a key as well: the CSR says of which kind, and its signature
	// proves nothing.
	MakeKey bool
	// Channel is the TLS connection that the request came by, where the protocol lets
	// a CSR be bound to it; nil where it does not.
	Channel Channel
}

// Channel is a secure channel that both its ends know by the same octets, and nobody
// else does.
type Channel interface {
	// Binding returns those octets: with ca.TLSUniqueSize tls-unique, with
	// ca.TLSExporterSize tls-exporter, and nil where the channel has no such.
	Binding(octets int) []byte
}

// Evidence is what a device shows, or others say for it, to prove which device
// it is. The set is closed: TicketEvidence, VouchEvidence, CertificateEvidence.
type Evidence interface {
	// operation is what the evidence is good for, as events call it.
	operation() string
}

// TicketEvidence is a one-time secret drawn for one device.
type TicketEvidence struct {
	User   string // the device's serial number
	Secret string // the ticket
	Label  string // the order that the client named besides; empty for none
}

// VouchEvidence is a station's word: the principal says which device it is.
type VouchEvidence struct {
	Order  OrderID
	Serial string
	// KeyProtection is where the station knows the device's key to be kept; empty
	// where it does not, which counts as in software.
	KeyProtection policy.KeyProtection
}

// CertificateEvidence is the device's current certificate. Whoever made the
// connection has proved that it holds the key.
type CertificateEvidence struct {
	DER []byte
}

func (TicketEvidence) operation() string      { return "enrol" }
func (VouchEvidence) operation() string       { return "vouch" }
func (CertificateEvidence) operation() string { return "renew" }

// Issued is a certificate that may leave the process: it is recorded.
type Issued struct {
	Device identity.DeviceID // empty for Touchmark's own
	Certificate
	Chain    [][]byte // the issuers in DER, the leaf's first, without the root
	Recalled bool     // it is the answer given before
	// Made is the private key, where one was asked for. It is kept nowhere: whoever gets
	// it hands it on, and erases it.
	Made *ca.MadeKey
}
