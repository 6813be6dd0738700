package ca

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrSubject means that a certificate cannot be made for the names asked for.
var ErrSubject = errors.New("names cannot stand in a certificate")

const (
	maxNameLength = 64 // ub-common-name and ub-serial-number of RFC 5280, appendix A.1
	maxURILength  = 512
	maxNames      = 64 // of each kind
)

// Subject holds the names of a certificate. Which are needed depends on the
// profile's [Purpose]: a device has a CommonName or SerialNumber and at least
// one URI; a server at least one DNS name or IP address; a responder a
// CommonName alone.
type Subject struct {
	// CommonName is up to 64 printable characters. RFC 5280 allows no more, so a
	// device's certificate is made without a CommonName that is longer: its
	// whole id stands in its URI. Elsewhere a longer one is an error.
	CommonName string
	// SerialNumber is the device's, up to 64 of [A-Za-z0-9.-] (a PrintableString).
	SerialNumber string
	// URIs are absolute, such as "urn:dev:ops:32473-TH20-SN1" (RFC 9039), each
	// up to 512 ASCII characters.
	URIs []string
	// DNSNames are host names of up to 253 characters; "*." may lead.
	DNSNames []string
	// IPs are IPv4 or IPv6 addresses.
	IPs []net.IP
}

// names is a Subject that was found fit for a purpose.
type names struct {
	commonName, serialNumber string
	uris                     []*url.URL
	dnsNames                 []string
	ips                      []net.IP
}

func (s Subject) check(purpose Purpose) (names, error) {
	n := names{commonName: s.CommonName, serialNumber: s.SerialNumber}
	if purpose == PurposeDevice && utf8.RuneCountInString(n.commonName) > maxNameLength {
		n.commonName = ""
	}
	if err := checkCommonName(n.commonName); err != nil {
		return names{}, err
	}
	if len(n.serialNumber) > maxNameLength || strings.ContainsFunc(n.serialNumber, notSerialNumber) {
		return names{}, fmt.Errorf("%w: serialNumber %.80q must be up to %d of A-Z, a-z, 0-9, '.' and '-'", ErrSubject, n.serialNumber, maxNameLength)
	}
	if len(s.URIs) > maxNames || len(s.DNSNames) > maxNames || len(s.IPs) > maxNames {
		return names{}, fmt.Errorf("%w: more than %d of one kind", ErrSubject, maxNames)
	}
	for _, text := range s.URIs {
		u, err := parseURI(text)
		if err != nil {
			return names{}, err
		}
		n.uris = append(n.uris, u)
	}
	for _, host := range s.DNSNames {
		if !isHostName(host) {
			return names{}, fmt.Errorf("%w: %.80q is no DNS name", ErrSubject, host)
		}
		n.dnsNames = append(n.dnsNames, host)
	}
	for _, ip := range s.IPs {
		if ip.To16() == nil {
			return names{}, fmt.Errorf("%w: an IP address of %d octets", ErrSubject, len(ip))
		}
		if v4 := ip.To4(); v4 != nil {
			ip = v4 // what the encoding holds, and what parsing gives back
		}
		n.ips = append(n.ips, ip)
	}
	return n, n.fit(purpose)
}

// fit checks that the names are those that the purpose needs.
func (n names) fit(purpose Purpose) error {
	switch purpose {
	case PurposeDevice:
		if n.commonName == "" && n.serialNumber == "" {
			return fmt.Errorf("%w: a device needs a serialNumber or a CommonName of up to %d characters", ErrSubject, maxNameLength)
		}
		if len(n.uris) == 0 {
			return fmt.Errorf("%w: a device needs a URI", ErrSubject)
		}
	case PurposeServer:
		if len(n.dnsNames)+len(n.ips) == 0 {
			return fmt.Errorf("%w: a server needs a DNS name or IP address", ErrSubject)
		}
	case PurposeOCSPResponder:
		if n.commonName == "" || len(n.uris)+len(n.dnsNames)+len(n.ips) != 0 {
			return fmt.Errorf("%w: an OCSP responder has a CommonName and nothing else", ErrSubject)
		}
	default:
		return fmt.Errorf("%w: unknown purpose %q", ErrSubject, purpose)
	}
	return nil
}

func checkCommonName(name string) error {
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxNameLength ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%w: CommonName %.80q must be up to %d printable characters", ErrSubject, name, maxNameLength)
	}
	return nil
}

func notSerialNumber(r rune) bool { return r != '.' && r != '-' && !isAlphanumeric(r) }

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func parseURI(text string) (*url.URL, error) {
	bad := len(text) > maxURILength || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
	u, err := url.Parse(text)
	// What is not written back as it came would not be what was asked for.
	if bad || err != nil || !u.IsAbs() || u.String() != text {
		return nil, fmt.Errorf("%w: %.80q is no absolute URI of up to %d ASCII characters", ErrSubject, text, maxURILength)
	}
	return u, nil
}

func isHostName(host string) bool {
	host = strings.TrimPrefix(host, "*.")
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return r != '-' && r != '_' && !isAlphanumeric(r) }) {
			return false
		}
	}
	return true
}
