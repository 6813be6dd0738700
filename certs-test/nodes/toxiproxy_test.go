package nodes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// toxiproxy is a process of toxiproxy, spoken to by its API.
type toxiproxy struct{ address string }

// startToxiproxy builds it and runs it until the test ends.
func startToxiproxy(t *testing.T) *toxiproxy {
	t.Helper()
	path := filepath.Join(t.TempDir(), "toxiproxy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/Shopify/toxiproxy/v2/cmd/server")
	build.Dir = "toxiproxy"
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building toxiproxy: %v\n%s", err, said)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := listener.Addr().String()
	check(t, listener.Close())
	host, port, err := net.SplitHostPort(address)
	check(t, err)
	process := exec.Command(path, "-host", host, "-port", port) //nolint:noctx // it is killed below
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	p := &toxiproxy{address: address}
	eventually(t, 30*time.Second, "toxiproxy does not answer", func() error {
		return p.call(t.Context(), http.MethodGet, "/version", nil, nil)
	})
	return p
}

// call makes a request of the API.
func (p *toxiproxy) call(ctx context.Context, method, path string, body, answer any) error {
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+path, &text)
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	said, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case got.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("toxiproxy: %s %s: %s: %s", method, path, got.Status, said)
	case answer == nil:
		return nil
	}
	return json.Unmarshal(said, answer)
}

// cable is a proxy: a node's way to a server of the database.
type cable struct {
	proxy  *toxiproxy
	name   string
	Listen string `json:"listen"`
}

// lay makes a cable to an address.
func (p *toxiproxy) lay(t *testing.T, name, to string) *cable {
	t.Helper()
	c := &cable{proxy: p, name: name}
	check(t, p.call(t.Context(), http.MethodPost, "/proxies", map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": to, "enabled": true}, c))
	return c
}

// set changes the cable: whether it is there ("enabled"), where it goes
// ("upstream").
func (c *cable) set(t *testing.T, member string, value any) {
	t.Helper()
	check(t, c.proxy.call(t.Context(), http.MethodPost, "/proxies/"+c.name, map[string]any{member: value}, nil))
}

// spoil puts a toxic on what goes in both directions: latency, timeout, reset_peer,
// slicer, with its attributes in milliseconds.
func (c *cable) spoil(t *testing.T, toxic string, attributes map[string]any) {
	t.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		check(t, c.proxy.call(t.Context(), http.MethodPost, "/proxies/"+c.name+"/toxics", map[string]any{
			"name": toxic + "-" + stream, "type": toxic, "stream": stream, "attributes": attributes,
		}, nil))
	}
}

// mend makes all cables as good as new.
func (p *toxiproxy) mend(t *testing.T) {
	t.Helper()
	check(t, p.call(t.Context(), http.MethodPost, "/reset", nil, nil))
}
