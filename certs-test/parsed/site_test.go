package parsed_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

// patience bounds what has to come, such as a CRL with a revocation.
const patience = 30 * time.Second

// artefact is a file that was given out, in DER.
type artefact struct {
	name string
	kind kind
	path string
	// told is what Touchmark says of it by its commands.
	told fields
}

// site is a server whose issuer has keys of one algorithm, and a folder for what it
// gives out.
type site struct {
	t      *testing.T
	lab    *lab.Lab
	issuer string // its certificate's file, PEM
	// algorithm is what the issuer's key is, as touchmark ca request has it.
	algorithm string
	folder    string
	order     string
	client    *http.Client
}

// setUp sets up the site of an issuer with that algorithm and starts it.
func setUp(t *testing.T, algorithm string) *site {
	t.Helper()
	ctx := t.Context()
	folder := t.TempDir()
	program, err := lab.Program(ctx, folder)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.New(ctx, lab.Config{Dir: folder, Program: program})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(l.Dir, "touchmark.yaml")
	issuer := certify(t, l, config, algorithm)
	changed := strings.Replace(read(t, config), "profiles:\n", "profiles:\n  - name: brief\n    lifetime: 1h\n    no_rev_avail: true\n", 1)
	if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := l.Serve(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	s := &site{t: t, lab: l, issuer: issuer, algorithm: algorithm, folder: folder, client: &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: l.Site.Roots, MinVersion: tls.VersionTLS12},
	}}}
	s.order = s.newOrder("default")
	return s
}

// certify has the lab's corporate root sign an issuing CA with a key of that
// algorithm, makes it the one that issues, and returns its certificate's file.
func certify(t *testing.T, l *lab.Lab, config, algorithm string) string {
	t.Helper()
	pki := filepath.Join(l.Dir, "pki")
	csr, err := l.Command(t.Context(), "ca", "request", "--config", config, "--common-name", "Device CA "+algorithm,
		"--organization", "Example Works", "--algorithm", algorithm).Output()
	if err != nil {
		t.Fatalf("touchmark ca request: %v", err)
	}
	extensions := certstest.File(t, "extensions", []byte(`basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
`))
	issuer := filepath.Join(pki, "issuer.crt")
	certstest.OpenSSL(t, csr, "x509", "-req", "-days", "1000", "-CA", filepath.Join(pki, "corporate-root.crt"),
		"-CAkey", filepath.Join(pki, "corporate-root.key"), "-extfile", extensions, "-out", issuer)
	if said, err := l.Command(t.Context(), "ca", "install", issuer, "--config", config).CombinedOutput(); err != nil {
		t.Fatalf("touchmark ca install: %v\n%s", err, said)
	}
	return issuer
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// touchmark runs a command as the administrator and reads its answer.
func (s *site) touchmark(answer any, arguments ...string) {
	s.t.Helper()
	command := s.lab.Command(s.t.Context(), append(arguments, "--json")...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	said, err := command.Output()
	if err != nil {
		s.t.Fatalf("touchmark %q: %v\n%s", arguments, err, &complaints)
	}
	if err := json.Unmarshal(said, answer); err != nil {
		s.t.Fatalf("touchmark %q: %v\n%s", arguments, err, said)
	}
}

func (s *site) newOrder(profile string) string {
	s.t.Helper()
	var order struct{ ID string }
	s.touchmark(&order, "order", "create", "--fleet", "/berlin/line-3", "--model", "TH20", "--quantity", "50", "--profile", profile)
	return order.ID
}

// get fetches a file; path may be a URL of the status listener.
func (s *site) get(url string) []byte {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.exchange(request)
}

func (s *site) exchange(request *http.Request) []byte {
	s.t.Helper()
	answer, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %v\n%s", request.URL, answer.Status, err, body)
	}
	return body
}

// enrol enrols a device with a new key, by EST with a ticket, and returns the message
// that brought its certificate.
func (s *site) enrol(serial, order string, key certstest.KeyKind) []byte {
	s.t.Helper()
	var drawn struct{ Items []struct{ Ticket string } }
	s.touchmark(&drawn, "order", "tickets", order, "--serials", serial)
	csr := base64.StdEncoding.EncodeToString(certstest.CSR(s.t, certstest.Key(s.t, key), serial))
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost,
		"https://"+s.lab.Site.Nodes[0].Device+"/.well-known/est/simpleenroll", strings.NewReader(csr))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/pkcs10")
	request.SetBasicAuth(serial, drawn.Items[0].Ticket)
	return fromBase64(s.t, s.exchange(request))
}

// keep writes an artefact to a file of its own.
func (s *site) keep(name string, k kind, der []byte, told fields) artefact {
	s.t.Helper()
	path := filepath.Join(s.folder, strings.ReplaceAll(name, " ", "-")+".der")
	if err := os.WriteFile(path, der, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return artefact{name: name, kind: k, path: path, told: told}
}

func fromBase64(t *testing.T, text []byte) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func fromPEM(t *testing.T, text string) []byte {
	t.Helper()
	_, after, _ := strings.Cut(text, "-----BEGIN ")
	block, _ := pem.Decode([]byte("-----BEGIN " + after))
	if block == nil {
		t.Fatalf("no PEM in %q", text)
	}
	return block.Bytes
}

// eventually runs f until it returns true.
func eventually(ctx context.Context, t *testing.T, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			t.Fatal(fmt.Errorf("%s: %w", what, ctx.Err()))
		case <-ticker.C:
		}
	}
}
