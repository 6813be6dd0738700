package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/identity"
)

func TestLogPrints(t *testing.T) {
	for _, p := range append(payload.Texts(), payload.Payload{Name: "not UTF-8", Bytes: []byte("a\xffb")}) {
		var out bytes.Buffer
		newLog(&out, slog.LevelInfo).With("path", string(p.Bytes)).Error("said", "error", errors.New(string(p.Bytes)), "n", 7)
		line := strings.TrimSuffix(out.String(), "\n")
		if !identity.Printable(line) {
			t.Errorf("%s: %q", p.Name, line)
		}
		var said map[string]any
		if err := json.Unmarshal([]byte(line), &said); err != nil || said["n"] != 7.0 || said["level"] != "ERROR" {
			t.Errorf("%s: %q: %v", p.Name, line, err)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	var out bytes.Buffer
	newLog(&out, slog.LevelInfo).Info("said", "error", errors.New(strings.Repeat("é", 100_000)))
	if out.Len() > 2*maxLogged {
		t.Errorf("a line of %d bytes", out.Len())
	}
}

func FuzzLogged(f *testing.F) {
	for _, p := range append(payload.Texts(), payload.Prints()...) {
		f.Add(string(p.Bytes))
	}
	f.Fuzz(func(t *testing.T, text string) {
		safe := logged(text)
		if !identity.Printable(strings.NewReplacer("\n", "", "\t", "").Replace(safe)) {
			t.Errorf("%q became %q", text, safe)
		}
		if len(text) <= maxLogged && identity.Printable(text) && safe != text {
			t.Errorf("%q became %q", text, safe)
		}
	})
}
