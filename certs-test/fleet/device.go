package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"sync"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// model is that of every device.
const model = "F1"

// storyLength is how much of a story is kept, in lines.
const storyLength = 24

// Device is a device and what was told about it.
type Device struct {
	Order  *Order
	Serial string
	// Identity is the key that it enrols with.
	Identity *Identity
	// Ticket is empty before it was drawn. Voided is one that another took the
	// place of.
	Ticket, Voided string
	// State is what the last answer said: identity.Expected before the enrolment.
	State identity.State
	// Full says that the order had no place for it.
	Full bool
	// Certificates are those whose bytes were received, oldest first.
	Certificates []*Certificate
	// Doubt is what was asked for and is not settled; nil for nothing.
	Doubt *Request

	mu    sync.Mutex // held by the one client that works for the device
	story []string
	tried bool // its tickets, with another key
	lives bool // it is in the fleet's list of those that do
}

// Identity is a key pair and the CSR for it.
type Identity struct {
	Key *ecdsa.PrivateKey
	CSR []byte // DER
}

// Certificate is one that was received.
type Certificate struct {
	Leaf     *x509.Certificate
	Serial   ca.Serial
	Identity *Identity
	Status   enroll.Status
	Reason   ca.Reason

	compared bool // byte for byte with what the server has
}

// ID is the device's id.
func (d *Device) ID() string { return model + "-" + d.Serial }

// Newest is the newest certificate, or nil.
func (d *Device) Newest() *Certificate {
	if len(d.Certificates) == 0 {
		return nil
	}
	return d.Certificates[len(d.Certificates)-1]
}

// renews says whether the device can renew.
func (d *Device) renews() bool {
	newest := d.Newest()
	return newest != nil && d.State == identity.Active && newest.Status == enroll.StatusGood
}

// receive takes a certificate that came in an answer. It may be one that came
// before.
func (d *Device) receive(der []byte, of *Identity, issuer *x509.Certificate) error {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("received a certificate that cannot be read: %w", err)
	}
	serial, err := ca.SerialFromInt(leaf.SerialNumber)
	if err != nil {
		return fmt.Errorf("received a certificate: %w", err)
	}
	if err := leaf.CheckSignatureFrom(issuer); err != nil {
		return fmt.Errorf("received certificate %s: %w", serial, err)
	}
	if !of.Key.PublicKey.Equal(leaf.PublicKey) || leaf.Subject.CommonName != d.ID() {
		return fmt.Errorf("received certificate %s, which is for %s, or for another key", serial, leaf.Subject.CommonName)
	}
	for _, known := range d.Certificates {
		if known.Serial == serial {
			return nil
		}
	}
	d.Certificates = append(d.Certificates, &Certificate{Leaf: leaf, Serial: serial, Identity: of, Status: enroll.StatusGood})
	return nil
}

// withdraw notes a new status of the certificates that which selects. What is
// revoked stays so; only keyCompromise replaces its reason.
func (d *Device) withdraw(status enroll.Status, reason ca.Reason, which func(*Certificate) bool) {
	for _, c := range d.Certificates {
		if (c.Status != enroll.StatusRevoked || reason == ca.KeyCompromise) && which(c) {
			c.Status, c.Reason = status, reason
		}
	}
}

// tell adds a line to the device's story. The caller holds mu.
func (d *Device) tell(line string) {
	if d.story = append(d.story, line); len(d.story) > storyLength {
		d.story = d.story[1:]
	}
}

// newIdentity makes a P-256 key and a CSR for it.
func newIdentity(name string) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	return &Identity{Key: key, CSR: csr}, err
}

// serialText is a certificate's serial number, for stories.
func serialText(der []byte) string {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return "what is no certificate"
	}
	return leaf.SerialNumber.Text(16)
}
