package contender

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maxTickets is how many tickets one call draws (design, section 9).
const maxTickets = 1000

// touchmark is the product, set up by quickstart and run by serve.
type touchmark struct {
	name                         string
	process                      *Process
	device, api, status, metrics string
	issuer                       []byte
	client                       *http.Client
	token                        string
	order                        string
	written                      int64 // events that the log must hold: at least those that the benchmark caused
}

// StartTouchmark sets up a lab in dir, with the given store, and runs program on
// it. store is "" for bolt.
func StartTouchmark(ctx context.Context, name, program, dir, store string) (Contender, error) {
	addrs, err := freeAddrs(4)
	if err != nil {
		return nil, err
	}
	t := &touchmark{name: name, device: addrs[0], api: addrs[1], status: addrs[2], metrics: addrs[3]}
	lab := filepath.Join(dir, "lab")
	args := []string{"quickstart", lab, "--device-addr", t.device, "--api-addr", t.api, "--status-addr", t.status, "--metrics-addr", t.metrics}
	if store != "" {
		args = append(args, "--store", store)
	}
	if said, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("touchmark quickstart: %w\n%s", err, said)
	}
	config := filepath.Join(lab, "touchmark.yaml")
	if err := allowProfiles(config); err != nil {
		return nil, err
	}
	if t.process, err = start(dir, "touchmark", program, "serve", "--config", config); err != nil {
		return nil, err
	}
	if err := t.prepare(ctx, lab); err != nil {
		return nil, errors.Join(err, t.process.Stop())
	}
	return t, nil
}

// allowProfiles adds pprof to the metrics listener.
func allowProfiles(config string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	text = bytes.Replace(text, []byte("\nmetrics:\n"), []byte("\nmetrics:\n  pprof: true\n"), 1)
	return os.WriteFile(config, text, 0o600)
}

// prepare waits for the server, reads what the lab holds and creates the order.
func (t *touchmark) prepare(ctx context.Context, lab string) error {
	if err := t.process.ready(ctx, t.device); err != nil {
		return err
	}
	var err error
	if t.issuer, err = readCertificate(filepath.Join(lab, "pki", "issuing.crt")); err != nil {
		return err
	}
	root, err := os.ReadFile(filepath.Join(lab, "pki", "corporate-root.crt"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	t.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}}
	token, err := os.ReadFile(filepath.Join(lab, "admin.token"))
	if err != nil {
		return err
	}
	t.token = strings.TrimSpace(string(token))
	var order struct{ ID string }
	err = t.call(ctx, "/api/v1/orders", map[string]any{"fleet": "/bench", "model": "B1", "quantity": 10_000_000}, &order)
	if err != nil {
		return err
	}
	t.order = order.ID
	t.written, err = t.logSize(ctx)
	return err
}

func (t *touchmark) Name() string       { return t.name }
func (t *touchmark) Process() *Process  { return t.process }
func (t *touchmark) DeviceAddr() string { return t.device }
func (t *touchmark) StatusAddr() string { return t.status }
func (t *touchmark) Issuer() []byte     { return t.issuer }

// Enrolments draws a ticket for each identity.
func (t *touchmark) Enrolments(ctx context.Context, identities []Identity, once bool) ([][]byte, error) {
	requests := make([][]byte, 0, len(identities))
	for len(identities) > 0 {
		part := identities[:min(maxTickets, len(identities))]
		identities = identities[len(part):]
		serials := make([]string, len(part))
		for i := range part {
			serials[i] = part[i].Serial
		}
		var drawn struct {
			Items []struct{ Serial, Ticket string }
		}
		err := t.call(ctx, "/api/v1/orders/"+t.order+"/tickets", map[string]any{"serials": serials}, &drawn)
		if err != nil {
			return nil, err
		}
		t.written += 2 // breakglass.used, tickets.drawn
		for i := range part {
			if drawn.Items[i].Serial != part[i].Serial {
				return nil, errors.New("tickets come in another order than they were drawn in")
			}
			requests = append(requests, estEnrolment(&part[i], drawn.Items[i].Ticket, once))
		}
	}
	return requests, nil
}

func (t *touchmark) Renewal(identity *Identity) ([]byte, error) { return estRenewal(identity), nil }
func (t *touchmark) Certificate(body []byte) ([]byte, error)    { return estCertificate(body) }

// events is how many events an operation writes (docs/events.md).
func events(kind Kind) int64 {
	switch kind {
	case Enrol:
		return 2 // device.enrolled, certificate.issued
	case Renew:
		return 1 // certificate.issued
	case OCSP:
		return 0
	}
	return 0
}

// Settle waits until the log's checkpoint covers every event. Each look at it is
// an event of its own, so the waits between them grow: a log that lags must be
// able to catch up.
func (t *touchmark) Settle(ctx context.Context, kind Kind, n int) error {
	if events(kind) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	t.written += events(kind) * int64(n)
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		size, err := t.logSize(ctx)
		if err != nil {
			return fmt.Errorf("wait for the log to cover %d events: %w", t.written, err)
		}
		covered := size >= t.written
		t.written++ // breakglass.used, by this look
		if covered {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the log covers %d of %d events: %w", size, t.written, ctx.Err())
		case <-time.After(wait):
		}
	}
}
