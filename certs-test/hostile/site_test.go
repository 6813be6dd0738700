package hostile_test

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

// m is JSON to send.
type m map[string]any

// site is a server with the data of two tenants: /berlin, whose tokens and devices
// the table has, and /paris, of which nothing may be told.
type site struct {
	lab     *lab.Lab
	server  *lab.Server
	metrics string
	key     crypto.Signer // the issuing key, as a thief of it would have it

	admin, berlin, auditor string            // tokens
	orders                 map[string]string // ids, by what they are for
	tickets                map[string]string // by serial number, not used
	shown                  map[string]tls.Certificate
	serials                map[string]string // of certificates, in hexadecimal
	// secret is what belongs to /paris.
	secret []string
	// expires is when the certificate "expired" does.
	expires time.Time
}

// newSite sets it up and serves it.
func newSite(t *testing.T) *site {
	t.Helper()
	folder := t.TempDir()
	program, err := lab.Program(t.Context(), folder)
	check(t, err)
	s := &site{orders: map[string]string{}, tickets: map[string]string{}, shown: map[string]tls.Certificate{}, serials: map[string]string{}}
	s.lab, err = lab.New(t.Context(), lab.Config{Dir: folder, Program: program})
	check(t, err)
	s.configure(t)
	s.server, err = s.lab.Start(0, lab.Way{Flags: []string{"--log-level", "debug"}})
	check(t, err)
	t.Cleanup(func() { s.server.Kill() })
	check(t, s.server.Await(t.Context()))
	s.admin = s.lab.Site.Token
	s.furnish(t)
	s.forge(t)
	return s
}

// configure adds a profile whose certificates expire within the test.
func (s *site) configure(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.lab.Dir, "touchmark.yaml")
	text, err := os.ReadFile(path)
	check(t, err)
	const profiles = "\nprofiles:\n"
	if !strings.Contains(string(text), profiles) {
		t.Fatalf("%s has no profiles", path)
	}
	changed := strings.Replace(string(text), profiles, profiles+"  - name: brief\n    lifetime: 1m\n", 1)
	check(t, os.WriteFile(path, []byte(changed), 0o600))
	found := regexp.MustCompile(`(?m)^metrics:\n  addr: "?([0-9.:]+)"?$`).FindStringSubmatch(changed)
	if found == nil {
		t.Fatalf("%s does not say where the metrics are", path)
	}
	s.metrics = found[1]
}

// furnish makes the tenants' data.
func (s *site) furnish(t *testing.T) {
	t.Helper()
	s.order(t, "gateways", m{"fleet": "/berlin/gateways", "model": "GW", "quantity": 10})
	s.enrol(t, "gateways", "GW-1", "station") // a station is a device that is enrolled
	s.order(t, "paris gateways", m{"fleet": "/paris/gateways", "model": "GW", "quantity": 10})
	s.enrol(t, "paris gateways", "GW-9", "other station")
	delete(s.shown, "other station") // nobody shows it
	delete(s.serials, "other station")
	s.order(t, "line", m{"fleet": "/berlin/line-1", "model": "TH20", "quantity": 100, "stations": []string{"device:GW-1"}})
	s.order(t, "brief", m{"fleet": "/berlin/line-1", "model": "BR1", "quantity": 10, "profile": "brief"})
	s.order(t, "paris", m{"fleet": "/paris/plant-9", "model": "PX9", "quantity": 10, "stations": []string{"device:GW-9"}})
	s.order(t, "closed", m{"fleet": "/berlin/line-2", "model": "TH30", "quantity": 10})
	s.call(t, s.admin, "POST", "/api/v1/orders/"+s.orders["closed"]+"/close", nil, 200)

	s.enrol(t, "brief", "BR1-SN1", "expired")
	s.enrol(t, "line", "TH20-D1", "device")
	s.enrol(t, "line", "TH20-D2", "revoked")
	s.enrol(t, "line", "TH20-D3", "held")
	s.enrol(t, "line", "TH20-D4", "retired")
	s.enrol(t, "paris", "PX9-LOUVRE", "paris")
	for device, action := range map[string]string{"TH20-D2": "revoke", "TH20-D3": "hold", "TH20-D4": "retire"} {
		s.call(t, s.admin, "POST", "/api/v1/devices/"+device+"/"+action, m{"comment": "for the table"}, 200)
	}
	s.ticket(t, "line", "T1")
	s.ticket(t, "line", "T2")

	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	token := func(name, fleet string, permissions ...string) string {
		made := s.call(t, s.admin, "POST", "/api/v1/tokens", m{"name": name, "fleet": fleet, "permissions": permissions, "until": tomorrow}, 201)
		text := made["token"].(string)
		s.call(t, text, "GET", "/api/v1/whoami", nil, 200) // from now on it was used
		return text
	}
	s.berlin = token("berlin", "/berlin", "order.create", "order.read", "order.edit", "order.close", "fleet.create", "fleet.read", "grant.read",
		"role.read", "token.read", "access.explain", "ticket.draw", "claim.draw", "device.read", "device.hold", "device.release", "device.revoke",
		"device.retire", "device.reenrol", "device.assign", "certificate.read", "audit.read")
	s.auditor = token("auditor", "/", "audit.read")
	token("fontainebleau", "/paris", "device.read")
	s.secret = []string{"paris", "plant-9", "PX9", "LOUVRE", "GW-9", "fontainebleau", s.orders["paris"], s.serials["paris"]}
}

func (s *site) order(t *testing.T, name string, body m) {
	t.Helper()
	s.orders[name] = s.call(t, s.admin, "POST", "/api/v1/orders", body, 201)["id"].(string)
}

// ticket draws a ticket for a serial number.
func (s *site) ticket(t *testing.T, order, serial string) string {
	t.Helper()
	drawn := s.call(t, s.admin, "POST", "/api/v1/orders/"+s.orders[order]+"/tickets", m{"serials": []string{serial}}, 201)
	s.tickets[serial] = drawn["items"].([]any)[0].(map[string]any)["ticket"].(string)
	return s.tickets[serial]
}

// enrol enrols a device with a ticket, and keeps its certificate under a name.
func (s *site) enrol(t *testing.T, order, device, as string) {
	t.Helper()
	_, serial, _ := strings.Cut(device, "-")
	ticket := s.ticket(t, order, serial)
	delete(s.tickets, serial)
	key := certstest.Key(t, certstest.P256)
	leaf := s.simpleEnrol(t, serial, ticket, certstest.CSR(t, key, device))
	s.shown[as] = tls.Certificate{Certificate: [][]byte{leaf.Raw, s.lab.Site.Issuer.Raw}, PrivateKey: key}
	s.serials[as] = leaf.SerialNumber.Text(16)
	if as == "expired" {
		s.expires = leaf.NotAfter
	}
}

// issuingKey reads the lab's issuing key.
func (s *site) issuingKey(t *testing.T) crypto.Signer {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.lab.Dir, "pki", "*", "issuing.key"))
	check(t, err)
	passphrase, err := os.ReadFile(filepath.Join(s.lab.Dir, "pki", "passphrase"))
	check(t, err)
	block, _ := pem.Decode(opened(t, files[0], strings.TrimSpace(string(passphrase))))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(t, err)
	return key.(crypto.Signer)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
