package traffic

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/certs-test/fleet"
)

// Model is that of every device.
const Model = "T1"

// Device is one, by its ticket or, once it is enrolled, its certificate.
type Device struct {
	Serial, Ticket string
	Order          string // its id
	// Key and CSR (in base64, as EST has it) are those of the next certificate.
	Key *ecdsa.PrivateKey
	CSR []byte
	// Leaf is the newest certificate, and Current its key; nil before the enrolment.
	Leaf    *x509.Certificate
	Current *ecdsa.PrivateKey
}

// ID is the device's id.
func (d *Device) ID() string { return Model + "-" + d.Serial }

// Rekey makes the key of the next certificate.
func (d *Device) Rekey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: d.ID()}}, key)
	d.Key, d.CSR = key, base64.StdEncoding.AppendEncode(nil, csr)
	return err
}

// drawnAtOnce is how many tickets are drawn in one call.
const drawnAtOnce = 1000

// Devices makes an order for n devices, their keys and their tickets.
func (c *Clients) Devices(ctx context.Context, name string, n int) ([]*Device, error) {
	order, err := c.Operator.CreateOrder(ctx, resource.NewOrder{Fleet: "/" + name, Model: Model, Quantity: n})
	if err != nil {
		return nil, err
	}
	var all []*Device
	for len(all) < n {
		var serials []string
		for i := range min(drawnAtOnce, n-len(all)) {
			serials = append(serials, fmt.Sprintf("%s-%d", name, len(all)+i))
		}
		tickets, err := c.Operator.DrawTickets(ctx, order.ID, serials)
		if err != nil {
			return nil, err
		}
		for _, ticket := range tickets {
			d := &Device{Serial: ticket.Serial, Ticket: ticket.Ticket, Order: order.ID}
			if err := d.Rekey(); err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	return all, nil
}

// Enrol enrols a device by its ticket (RFC 7030, section 4.2.1), on a connection of
// its own where once says so.
func (c *Clients) Enrol(ctx context.Context, d *Device, once bool) Answer {
	by := c.kept
	if once {
		by = c.once()
	}
	return c.certify(ctx, by, d, "simpleenroll", func(r *http.Request) { r.SetBasicAuth(d.Serial, d.Ticket) })
}

// Renew renews a device's certificate (RFC 7030, section 4.2.2) on a connection of its
// own, which proves the possession of its key.
func (c *Clients) Renew(ctx context.Context, d *Device) Answer {
	by := c.once(tls.Certificate{Certificate: [][]byte{d.Leaf.Raw, c.Site.Issuer.Raw}, PrivateKey: d.Current})
	return c.certify(ctx, by, d, "simplereenroll", nil)
}

func (c *Clients) certify(ctx context.Context, by *http.Client, d *Device, operation string, set func(*http.Request)) Answer {
	answer := c.send(ctx, by, Request{
		Method: http.MethodPost, URL: "https://" + c.Site.Nodes[0].Device + "/.well-known/est/" + operation,
		MediaType: "application/pkcs10", Body: d.CSR, Set: set,
	})
	if answer.OK() {
		answer.Err = d.receive(answer.Body)
	}
	return answer
}

// receive takes the certificate that EST answered with.
func (d *Device) receive(body []byte) error {
	der, err := fleet.CertificateIn(body)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if !d.Key.PublicKey.Equal(leaf.PublicKey) || leaf.Subject.CommonName != d.ID() {
		return fmt.Errorf("%s received the certificate of %s, or for another key", d.ID(), leaf.Subject.CommonName)
	}
	d.Leaf, d.Current = leaf, d.Key
	return nil
}
