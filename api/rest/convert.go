package rest

import (
	"encoding/pem"
	"strings"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

func orderOf(o enroll.OrderInfo) resource.Order {
	refused := map[string]int{}
	for code, n := range o.Refused {
		refused[string(code)] = n
	}
	return resource.Order{
		ID: string(o.ID), Fleet: string(o.FleetPath), Model: string(o.Model), Quantity: o.Quantity, Enrolled: o.Enrolled,
		Profile: o.Profile, Opens: moment(o.Opens), Closes: moment(o.Closes), Manifest: o.Manifest,
		Stations: o.StationIDs(), Owner: text(o.Owner), OwnerGroup: text(o.OwnerGroup), State: string(o.State), CreatedAt: o.CreatedAt.UTC(),
		ClosedAt: moment(o.ClosedAt), Refused: refused,
	}
}

func deviceOf(d enroll.DeviceInfo) resource.Device {
	device := resource.Device{
		ID: string(d.ID), URN: d.URN, State: string(d.State), Fleet: string(d.FleetPath), Model: string(d.ID.Model()),
		Serial: string(d.ID.SerialNumber()), Order: text(d.Order), Owner: text(d.Owner), OwnerGroup: text(d.OwnerGroup),
		KeyProtection: string(d.KeyProtection),
		Certificates:  listOf(d.Certificates, certificateOf), MoreCertificates: d.More,
		CreatedAt: d.CreatedAt.UTC(), ChangedAt: d.ChangedAt.UTC(),
		CloneSuspectedAt: moment(d.CloneSuspectedAt), ForkedAt: moment(d.ForkedAt),
	}
	if d.Reenrol != nil {
		device.ReenrolUntil = moment(d.Reenrol.Until)
	}
	return device
}

func certificateOf(c enroll.CertificateInfo) resource.Certificate {
	certificate := resource.Certificate{
		Serial: c.Serial.String(), Device: text(string(c.Device)), Issuer: c.Issuer, Profile: c.Profile,
		NotBefore: c.NotBefore.UTC(), NotAfter: c.Serial.NotAfter().UTC(), Status: string(c.StatusNow), Key: c.Key.String(),
	}
	if !c.Predecessor.IsZero() {
		certificate.Predecessor = text(c.Predecessor.String())
	}
	if c.Status != enroll.StatusGood {
		certificate.Reason, certificate.RevokedAt = text(c.Reason.String()), moment(c.RevokedAt)
	}
	return certificate
}

// wholeCertificateOf is a certificate that was asked for alone.
func wholeCertificateOf(c enroll.CertificateInfo) resource.Certificate {
	certificate := certificateOf(c)
	certificate.PEM = certificatesPEM(c.DER)
	return certificate
}

// listOf converts items; a list without any is [] and never null.
func listOf[From, To any](items []From, convert func(From) To) []To {
	list := make([]To, 0, len(items))
	for _, item := range items {
		list = append(list, convert(item))
	}
	return list
}

func pageOf[From, To any](l enroll.List[From], convert func(From) To) *answer[resource.List[To]] {
	return answerOf(resource.List[To]{Items: listOf(l.Items, convert), Next: l.Next})
}

func fromMoment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func certificatesPEM(ders ...[]byte) string {
	var all []byte
	for _, der := range ders {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return string(all)
}

// requestDER takes the one PEM block out of a certificate request (RFC 7468,
// section 7) and leaves judging it to enroll,
// which is also told what is wrong with it.
func requestDER(request string) ([]byte, *enroll.Refusal) {
	if len(request) > 2*ca.MaxCSRSize {
		return nil, enroll.Refuse(enroll.BadCSR, "the certificate request is longer than %d bytes", 2*ca.MaxCSRSize)
	}
	block, rest := pem.Decode([]byte(request))
	switch {
	case block == nil:
		return nil, enroll.Refuse(enroll.BadCSR, "the certificate request is not PEM; it begins with -----BEGIN CERTIFICATE REQUEST-----")
	case block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST":
		return nil, enroll.Refuse(enroll.BadCSR, "the PEM block is not a CERTIFICATE REQUEST")
	case strings.TrimSpace(string(rest)) != "":
		return nil, enroll.Refuse(enroll.BadCSR, "something follows the certificate request; send one at a time")
	}
	return block.Bytes, nil
}
