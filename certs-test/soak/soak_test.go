package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSoak is a run of little more than a minute: long enough for every fault and for
// all that is measured, and too short to find what grows slowly. make soak is for that.
func TestSoak(t *testing.T) {
	var said, wrong bytes.Buffer
	folder := t.TempDir()
	code := run(t.Context(), []string{"--hours", "0.02", "--rate", "25", "--devices", "100", "--out", folder}, &said, &wrong)
	t.Log(said.String())
	if code != exitFlat {
		t.Fatalf("exit code %d: %s", code, wrong.String())
	}
	text, err := os.ReadFile(filepath.Join(folder, "soak.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if !r.Flat || len(r.Samples) < 20 {
		t.Errorf("flat: %t, %d samples", r.Flat, len(r.Samples))
	}
	for _, k := range kinds() {
		if r.Operations[k] == 0 {
			t.Errorf("%s was never done", k)
		}
	}
	for _, fault := range []string{
		"paused", "clients that dribble", "clients that go away", "garbage", "all at once",
		"ended and started again", "killed and started again",
	} {
		if r.Faults[fault] == 0 {
			t.Errorf("%s did not happen", fault)
		}
	}
	page, err := os.ReadFile(filepath.Join(folder, "soak.md"))
	if err != nil || !strings.HasPrefix(string(page), "# Soak: flat") {
		t.Errorf("%.100q, %v", page, err)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"--hours", "0.001"}, {"--hours", "x"}, {"--hours", "1000"}, {"--rate", "0"}, {"--devices", "1"}, {"now"}, {"--help"},
	} {
		var said, wrong bytes.Buffer
		if code := run(t.Context(), args, &said, &wrong); code != exitWrongUse || wrong.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, wrong.String())
		}
	}
}
