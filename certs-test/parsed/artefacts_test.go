package parsed_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// shown is a certificate as touchmark certificate show tells of it.
type shown struct {
	Serial      string
	Device      string
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Status      string
	Reason      string
	RevokedAt   time.Time `json:"revoked_at"`
	Certificate string
}

// device is a device as touchmark device show tells of it.
type device struct {
	ID, URN, Serial string
	Certificates    []shown
}

// show asks for a device and its newest certificate.
func (s *site) show(serial string) (device, shown) {
	s.t.Helper()
	var d device
	s.touchmark(&d, "device", "show", "TH20-"+serial)
	var c shown
	s.touchmark(&c, "certificate", "show", d.Certificates[0].Serial)
	return d, c
}

// told is what Touchmark says of a device's certificate.
func told(d device, c shown) fields {
	return fields{
		"serial": c.Serial, "notBefore": c.NotBefore.Format(time.RFC3339), "notAfter": c.NotAfter.Format(time.RFC3339),
		"subject": fmt.Sprintf("CN=%s, serialNumber=%s", d.ID, d.Serial), "names": "URI:" + d.URN,
	}
}

// numbers of the reasons that an operator may give (RFC 5280, section 5.3.1).
func reasonNumbers() map[string]string {
	return map[string]string{
		"keyCompromise": "1", "affiliationChanged": "3", "superseded": "4", "cessationOfOperation": "5",
		"certificateHold": "6", "privilegeWithdrawn": "9",
	}
}

// devices are one of each kind of certificate that a device gets, and the message
// that brought one.
func (s *site) devices() (all []artefact) {
	for _, kindOf := range []struct {
		serial, profile string
		key             certstest.KeyKind
	}{
		{"P256", "default", certstest.P256},
		{"P384", "default", certstest.P384},
		{"RSA", "default", certstest.RSA2048},
		{"Ed25519", "default", certstest.Ed25519},
		{"Brief", "brief", certstest.P256},
	} {
		order := s.order
		if kindOf.profile != "default" {
			order = s.newOrder(kindOf.profile)
		}
		message := s.enrol(kindOf.serial, order, kindOf.key)
		d, c := s.show(kindOf.serial)
		all = append(all, s.keep("device "+kindOf.serial, certificate, fromPEM(s.t, c.Certificate), told(d, c)))
		if kindOf.serial == "P256" {
			all = append(all, s.keep("simpleenroll", certsOnly, message, fields{"certificates": c.Serial}))
		}
	}
	return all
}

// authority are the issuer's certificate and request, the listener's certificate, and
// the message of all CAs.
func (s *site) authority() []artefact {
	node := s.lab.Site.Nodes[0]
	issuer, err := x509.ParseCertificate(fromPEM(s.t, read(s.t, s.issuer)))
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", node.Device, &tls.Config{RootCAs: s.lab.Site.Roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		s.t.Fatal(err)
	}
	own := conn.ConnectionState().PeerCertificates[0]
	_ = conn.Close()
	csr, err := s.lab.Command(s.t.Context(), "ca", "request", "--config", filepath.Join(s.lab.Dir, "touchmark.yaml"),
		"--key", filepath.Join(s.folder, "next.key"), "--common-name", "Next CA", "--organization", "Example Works", "--algorithm", s.algorithm).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return []artefact{
		s.keep("issuer", certificate, s.get("http://"+node.Status+"/issuer/"+s.issuerID()+".cer"), fields{"serial": evenly(fmt.Sprintf("%x", issuer.SerialNumber))}),
		s.keep("listener", certificate, own.Raw, fields{"names": "DNS:localhost IP:0:0:0:0:0:0:0:1 IP:127.0.0.1"}),
		s.keep("cacerts", certsOnly, fromBase64(s.t, s.get("https://"+node.Device+"/.well-known/est/cacerts")), fields{}),
		s.keep("ca request", request, fromPEM(s.t, string(csr)), fields{"subject": "CN=Next CA, O=Example Works", "selfSigned": "yes"}),
	}
}

// evenly writes a number in whole octets.
func evenly(hexadecimal string) string {
	return strings.Repeat("0", len(hexadecimal)%2) + hexadecimal
}

// issuerID is the issuer's name in addresses.
func (s *site) issuerID() string {
	_, c := s.show("P256")
	return parts(s.point(c))[4]
}

// point is the address of a certificate's CRL.
func (s *site) point(c shown) string {
	cert, err := x509.ParseCertificate(fromPEM(s.t, c.Certificate))
	if err != nil {
		s.t.Fatal(err)
	}
	return cert.CRLDistributionPoints[0]
}

func parts(address string) []string { return strings.Split(address, "/") }

// lists are CRLs without entries and with one of each reason.
func (s *site) lists() []artefact {
	_, good := s.show("P256")
	at := s.point(good)
	empty := s.keep("empty CRL", crl, s.get(at), fields{"point": at, "entries": "", "reasons": ""})
	acts := map[string][]string{}
	for reason := range reasonNumbers() {
		serial := "R." + reason
		s.enrol(serial, s.order, certstest.P256)
		acts[serial] = []string{"device", "revoke", "TH20-" + serial, "--reason", reason}
		switch reason {
		case "certificateHold":
			acts[serial] = []string{"device", "hold", "TH20-" + serial}
		case "cessationOfOperation":
			acts[serial] = []string{"device", "retire", "TH20-" + serial}
		}
	}
	var entries, reasons []string
	for serial, act := range acts {
		var d device
		s.touchmark(&d, act...)
		_, c := s.show(serial)
		if s.point(c) != at {
			s.t.Fatalf("%s is on another CRL", serial)
		}
		entries = append(entries, c.Serial+"@"+c.RevokedAt.Truncate(time.Second).Format(time.RFC3339))
		reasons = append(reasons, c.Serial+"="+reasonNumbers()[c.Reason])
	}
	slices.Sort(entries)
	slices.Sort(reasons)
	var der []byte
	eventually(s.t.Context(), s.t, "the CRL has all entries", func() bool {
		der = s.get(at)
		list, err := x509.ParseRevocationList(der)
		return err == nil && len(list.RevokedCertificateEntries) == len(entries)
	})
	full := s.keep("full CRL", crl, der, fields{"point": at, "entries": strings.Join(entries, " "), "reasons": strings.Join(reasons, " ")})
	return []artefact{empty, full}
}

// answers are OCSP's about what is good, held, revoked and unknown, and the
// responder's certificate.
func (s *site) answers() (all []artefact) {
	_, good := s.show("P256")
	_, held := s.show("R.certificateHold")
	_, revoked := s.show("R.keyCompromise")
	unknown := shown{Serial: good.Serial[:30] + "0000000000", Status: "unknown"}
	for _, c := range []shown{good, held, revoked, unknown} {
		want := fields{"serial": c.Serial, "status": c.Status}
		if c.Status == "held" || c.Status == "revoked" {
			want["status"], want["reason"] = "revoked", reasonNumbers()[c.Reason]
			want["revokedAt"] = c.RevokedAt.Truncate(time.Second).Format(time.RFC3339)
		}
		path := filepath.Join(s.folder, "answer.der")
		text := certstest.OpenSSL(s.t, nil, "ocsp", "-no_nonce", "-issuer", s.issuer, "-serial", "0x"+c.Serial,
			"-CAfile", s.lab.Site.RootFile, "-url", "http://"+s.lab.Site.Nodes[0].Status+"/ocsp", "-respout", path, "-resp_text")
		if !strings.Contains(text, "Response verify OK") {
			s.t.Errorf("openssl about %s: %s", c.Status, text)
		}
		all = append(all, s.keep("OCSP "+c.Status, ocspAnswer, []byte(read(s.t, path)), want))
		if c.Serial == good.Serial {
			// Read again, for a word on the other stream may stand amid the first text.
			text = certstest.OpenSSL(s.t, nil, "ocsp", "-respin", path, "-noverify", "-resp_text")
			all = append(all, s.keep("responder", certificate, fromPEM(s.t, text), fields{"extKeyUsage": "OCSPSigning", "noCheck": "yes"}))
		}
	}
	return all
}
