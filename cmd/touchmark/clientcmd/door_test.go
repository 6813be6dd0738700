package clientcmd_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/clientcmd"
)

// door is a server that answers as a test says, and remembers what it was asked.
type door struct {
	*httptest.Server
	folder string
	stdin  string // what commands are given

	mu    sync.Mutex // guards asked
	asked []asked
}

// asked is one request.
type asked struct{ line, body string }

// opened starts a door. answer is called with the number of the request, from 0.
func opened(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *door {
	t.Helper()
	d := &door{folder: t.TempDir()}
	d.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		n := len(d.asked)
		d.asked = append(d.asked, asked{r.Method + " " + r.URL.RequestURI(), string(body)})
		d.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s came with %q", r.URL, r.Header.Get("Authorization"))
		}
		answer(w, r, n)
	}))
	t.Cleanup(d.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.Certificate().Raw})
	d.write(t, "ca.pem", string(ca))
	d.write(t, "token", "secret\n")
	return d
}

// says answers every request with the same JSON.
func says(text string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { tell(w, "application/json", http.StatusOK, text) }
}

func tell(w http.ResponseWriter, mediaType string, status int, text string) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

func (d *door) path(name string) string { return filepath.Join(d.folder, name) }

func (d *door) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *door) requests() []asked {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// wrongUse is the error of shells in tests.
type wrongUse struct{ error }

// testNow is when commands in tests are typed.
func testNow() time.Time { return time.Date(2027, 1, 31, 17, 0, 0, 0, time.UTC) }

// typed runs a command against the door.
func (d *door) typed(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return d.typedWithin(t.Context(), args...)
}

// typedWithin runs a command until ctx ends.
func (d *door) typedWithin(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	environment := map[string]string{
		"TOUCHMARK_SERVER": d.URL, "TOUCHMARK_TOKEN_FILE": d.path("token"), "TOUCHMARK_CA": d.path("ca.pem"), "XDG_CONFIG_HOME": d.folder,
	}
	shell := clientcmd.Shell{
		Group: func(c *cobra.Command) *cobra.Command { return c },
		Takes: func(names ...string) cobra.PositionalArgs { return cobra.ExactArgs(len(names)) },
		Wrong: func(_ *cobra.Command, format string, args ...any) error {
			return wrongUse{fmt.Errorf(format, args...)}
		},
		Getenv:  func(name string) string { return environment[name] },
		Clock:   testNow,
		Version: "test",
	}
	root := &cobra.Command{Use: "touchmark", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(clientcmd.Commands(shell)...)
	root.AddCommand(clientcmd.Rotate(shell), clientcmd.Restore(shell))
	var out, errs bytes.Buffer
	root.SetIn(strings.NewReader(d.stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}
