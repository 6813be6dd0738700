package client_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// dial starts a TLS server and returns a client of it that has a token.
func dial(t testing.TB, handler http.Handler, token string) *client.Client {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	anchor := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(anchor, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	c, err := client.New(client.Config{
		Server: server.URL + "/", CAFile: anchor, UserAgent: "test/1",
		Token: func(context.Context) (string, error) { return token, nil },
	})
	check(t, err)
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryCall(t *testing.T) {
	ctx := t.Context()
	door := resttest.Open(t)
	c := dial(t, rest.New(door.Config), door.BreakGlass)

	order, err := c.CreateOrder(ctx, resource.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 2})
	check(t, err)
	closes := resttest.Begin().Add(time.Hour)
	order, err = c.EditOrder(ctx, order.ID, resource.OrderEdit{Closes: resource.Moment{Set: true, Time: &closes}})
	check(t, err)
	if order.Quantity != 2 || order.Closes == nil || !order.Closes.Equal(closes) {
		t.Errorf("edited into %+v", order)
	}
	order, err = c.EditOrder(ctx, order.ID, resource.OrderEdit{Closes: resource.Moment{Set: true}})
	check(t, err)
	if order.Closes != nil {
		t.Errorf("an end that was taken away is %v", order.Closes)
	}
	shown, err := c.Order(ctx, order.ID)
	check(t, err)
	if !reflect.DeepEqual(shown, order) {
		t.Errorf("shows %+v, edited %+v", shown, order)
	}
	orders, err := client.Collect(c.Orders(ctx, client.OrderFilter{Fleet: "/berlin", Model: "TH20"}), 0)
	check(t, err)
	tickets, err := c.DrawTickets(ctx, order.ID, []string{"SN1", "SN2"})
	check(t, err)
	if len(orders) != 1 || len(tickets) != 2 || tickets[1].Serial != "SN2" || tickets[1].Ticket == "" {
		t.Errorf("orders %v, tickets for %d", orders, len(tickets))
	}

	request := resource.Enrolment{Serial: "SN1", CSR: resttest.CSR(t, resttest.NewKey(t))}
	enrolled, recalled, err := c.Enrol(ctx, order.ID, request)
	check(t, err)
	again, recalledAgain, err := c.Enrol(ctx, order.ID, request)
	check(t, err)
	if recalled || !recalledAgain || again != enrolled || enrolled.Device != "TH20-SN1" {
		t.Errorf("enrolled %v %v, then %v %v", enrolled, recalled, again, recalledAgain)
	}

	devices, err := client.Collect(c.Devices(ctx, client.DeviceFilter{State: "active", ExpiringBefore: resttest.Begin().AddDate(1, 0, 0)}), 0)
	check(t, err)
	device, err := c.Device(ctx, "TH20-SN1")
	check(t, err)
	if len(devices) != 1 || !reflect.DeepEqual(devices[0], device) {
		t.Errorf("lists %+v, shows %+v", devices, device)
	}
	_, err = c.Reenrol(ctx, device.ID, "flash wiped")
	check(t, err)
	device, err = c.ActOnDevice(ctx, device.ID, identity.Hold, resource.Action{})
	check(t, err)
	if device.State != "held" {
		t.Errorf("held into %s", device.State)
	}
	_, err = c.ActOnDevice(ctx, device.ID, identity.Release, resource.Action{Comment: "found"})
	check(t, err)

	certificates, err := client.Collect(c.Certificates(ctx, client.CertificateFilter{Device: device.ID}), 0)
	check(t, err)
	certificate, err := c.Certificate(ctx, enrolled.Serial)
	check(t, err)
	if len(certificates) != 1 || certificate.PEM != enrolled.Certificate {
		t.Errorf("lists %d certificates, shows %+v", len(certificates), certificate)
	}
	certificate, err = c.ActOnCertificate(ctx, enrolled.Serial, identity.Revoke, resource.Action{Reason: "superseded"})
	check(t, err)
	if certificate.Status != "revoked" || certificate.Reason == nil || *certificate.Reason != "superseded" {
		t.Errorf("revoked into %+v", certificate)
	}
	events, err := client.Collect(c.DeviceEvents(ctx, device.ID), 0)
	check(t, err)
	if len(events) < 5 {
		t.Errorf("a story of %d events", len(events))
	}

	note, err := c.Checkpoint(ctx)
	check(t, err)
	who, err := c.Whoami(ctx)
	check(t, err)
	if !bytes.HasPrefix(note, []byte("log.touchmark.example\n")) || who.ID != "break-glass" {
		t.Errorf("checkpoint %q, caller %+v", note, who)
	}
	var copied bytes.Buffer
	n, err := c.Backup(ctx, &copied)
	check(t, err)
	if copied.String() != "the whole store" || n != int64(copied.Len()) {
		t.Errorf("copied %d bytes: %q", n, &copied)
	}
	sizes, err := c.CompactStore(ctx)
	check(t, err)
	if sizes.BytesBefore != 4096 || sizes.BytesAfter != 1024 {
		t.Errorf("compacted %+v", sizes)
	}
	order, err = c.CloseOrder(ctx, order.ID)
	check(t, err)
	if order.State != "closed" {
		t.Errorf("closed into %s", order.State)
	}
	token, err := c.RotateBreakGlass(ctx)
	check(t, err)
	if !enroll.IsBreakGlassToken(token) {
		t.Error("not a break-glass token")
	}
}

func TestAuditIsReadWholeAndByteForByte(t *testing.T) {
	door := resttest.Open(t)
	c := dial(t, rest.New(door.Config), "admin")
	for i := range 600 { // more than one part
		_, err := c.CreateOrder(t.Context(), resource.NewOrder{Fleet: "/", Model: "TH20", Quantity: 1 + i})
		check(t, err)
	}
	var want []string
	for page := (enroll.Page{Limit: 1000}); ; {
		part, err := door.Service.AuditLines(t.Context(), resttest.Principal(identity.Admin), page)
		check(t, err)
		for _, line := range part.Items {
			want = append(want, string(line))
		}
		if page.After = part.Next; page.After == "" {
			break
		}
	}
	var got []string
	for line, err := range c.Audit(t.Context()) {
		check(t, err)
		got = append(got, string(line))
	}
	if !reflect.DeepEqual(got, want) || len(got) <= 600 {
		t.Errorf("read %d records, there are %d, or they differ", len(got), len(want))
	}
	some, err := client.Collect(c.Audit(t.Context()), 3)
	check(t, err)
	if len(some) != 3 {
		t.Errorf("asked for 3, got %d", len(some))
	}
}

func TestRefusals(t *testing.T) {
	door := resttest.Open(t)
	handler := rest.New(door.Config)
	admin := dial(t, handler, "admin")
	for name, c := range map[string]struct {
		do   func(context.Context) error
		want enroll.Code
	}{
		"not found":            {func(ctx context.Context) error { _, err := admin.Device(ctx, "TH20-SN1"); return err }, enroll.NotFound},
		"an id that is a path": {func(ctx context.Context) error { _, err := admin.Device(ctx, "../orders"); return err }, enroll.NotFound},
		"an id that climbs":    {func(ctx context.Context) error { _, err := admin.Device(ctx, ".."); return err }, enroll.NotFound},
		"no id":                {func(ctx context.Context) error { _, err := admin.Order(ctx, ""); return err }, enroll.NotFound},
		"bad request": {func(ctx context.Context) error {
			_, err := admin.CreateOrder(ctx, resource.NewOrder{})
			return err
		}, enroll.BadRequest},
		"forbidden": {func(ctx context.Context) error {
			_, err := dial(t, handler, "station").Checkpoint(ctx)
			return err
		}, enroll.Forbidden},
		"not signed in": {func(ctx context.Context) error {
			_, err := dial(t, handler, "stale").Whoami(ctx)
			return err
		}, enroll.Unauthenticated},
		"in a list": {func(ctx context.Context) error {
			_, err := client.Collect(dial(t, handler, "nobody").Orders(ctx, client.OrderFilter{}), 0)
			return err
		}, enroll.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.do(t.Context())
			var p *problem.Problem
			if !errors.As(err, &p) || client.CodeOf(err) != c.want || p.Detail == "" {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestServersThatAreNotTouchmark(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<h1>Bad Gateway</h1>", http.StatusBadGateway)
		},
		"problem of other": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", problem.ContentType)
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"title": "Not Found"}`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stolen" {
				t.Error("followed a redirect with a token")
			}
			http.Redirect(w, r, "/stolen", http.StatusTemporaryRedirect)
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"id":`)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dial(t, handler, "admin").Whoami(t.Context())
			if !errors.Is(err, client.ErrUnreachable) || client.CodeOf(err) != enroll.Unavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("no JSON", func(t *testing.T) {
		_, err := dial(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }), "admin").Whoami(t.Context())
		if err == nil || client.CodeOf(err) != "" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a list without end", func(t *testing.T) {
		endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"items": [], "next": "same"}`) })
		_, err := client.Collect(dial(t, endless, "admin").Orders(t.Context(), client.OrderFilter{}), 0)
		if err == nil || !strings.Contains(err.Error(), "end") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("retry after", func(t *testing.T) {
		busy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refusal := enroll.Refuse(enroll.Unavailable, "busy")
			refusal.RetryAfter = 7 * time.Second
			problem.From(r.Context(), refusal).Write(w)
		})
		_, err := dial(t, busy, "admin").Whoami(t.Context())
		var p *problem.Problem
		if !errors.As(err, &p) || p.RetryAfter != 7*time.Second {
			t.Errorf("got %v", err)
		}
	})
}

func TestTrust(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	c, err := client.New(client.Config{Server: server.URL})
	check(t, err)
	if _, err := c.Whoami(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("trusted a server that nobody vouches for: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	check(t, os.WriteFile(empty, nil, 0o600))
	for name, bad := range map[string]client.Config{
		"plain HTTP":      {Server: "http://127.0.0.1:9443"},
		"no scheme":       {Server: "127.0.0.1:9443"},
		"empty":           {},
		"user in the URL": {Server: "https://admin:hunter2@127.0.0.1:9443"},
		"no such CA file": {Server: "https://127.0.0.1:9443", CAFile: empty + ".missing"},
		"empty CA file":   {Server: "https://127.0.0.1:9443", CAFile: empty},
	} {
		_, err := client.New(bad)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenThatCannotBeHad(t *testing.T) {
	c, err := client.New(client.Config{
		Server: "https://127.0.0.1:1", Token: func(context.Context) (string, error) { return "", errors.New("no token file") },
	})
	check(t, err)
	if _, err := c.Whoami(t.Context()); err == nil || !strings.Contains(err.Error(), "no token file") {
		t.Errorf("got %v", err)
	}
}

// Records of the log are selected by the server.
func TestAuditPart(t *testing.T) {
	door := resttest.Open(t)
	c := dial(t, rest.New(door.Config), "admin")
	ctx := t.Context()
	for _, fleet := range []string{"/berlin", "/ulm"} {
		_, err := c.CreateOrder(ctx, resource.NewOrder{Fleet: fleet, Model: "TH20", Quantity: 1})
		check(t, err)
	}
	filter := client.AuditFilter{
		Fleet: "/ulm", Principal: "me", Kinds: []string{"fleet.created", "order.*"}, From: resttest.Begin(), Until: resttest.Begin().Add(time.Hour),
	}
	first, err := c.AuditPart(ctx, filter, resource.Page{Limit: 1})
	check(t, err)
	second, err := c.AuditPart(ctx, filter, resource.Page{After: first.Next})
	check(t, err)
	if len(first.Items) != 1 || len(second.Items) != 1 || second.Next != "" || !bytes.Contains(second.Items[0], []byte("order.created")) {
		t.Errorf("got %s, then %s", first.Items, second.Items)
	}
	filter.Device = "TH20-SN1"
	none, err := c.AuditPart(ctx, filter, resource.Page{})
	check(t, err)
	if len(none.Items) != 0 {
		t.Errorf("got %s", none.Items)
	}
}
