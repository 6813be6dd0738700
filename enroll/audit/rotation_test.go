package audit_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func keyFor(t *testing.T, origin string) (*audit.Key, note.Verifier) {
	t.Helper()
	private, public, err := audit.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.ParseKey(private + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if key.Verifier() != public || fmt.Sprintf("%v %s %#v", key, key, key) != public+" "+public+" "+public {
		t.Errorf("the key prints as %v, want its public half alone", key)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, verifier
}

func TestRotation(t *testing.T) {
	old, trusted := keyFor(t, "log.example")
	next, nextVerifier := keyFor(t, "log.example")
	statement, err := audit.SignRotation(old, next.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := audit.OpenRotation(statement, trusted)
	if err != nil || opened.KeyHash() != nextVerifier.KeyHash() {
		t.Fatalf("%v, %v", opened, err)
	}
	_, stranger := keyFor(t, "log.example")
	foreign, _ := keyFor(t, "other.example")
	resigned := func(text string) string {
		signed, err := note.Sign(&note.Note{Text: text}, old)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	checkpoint, err := audit.SignCheckpoint("log.example", 3, tlog.Hash{1}, old)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		statement string
		trusted   note.Verifier
	}{
		"nothing":                {"", trusted},
		"another key's word":     {statement, stranger},
		"another key in it":      {strings.Replace(statement, next.Verifier(), stranger.Name()+"+00000000+AAAA", 1), trusted},
		"a checkpoint":           {string(checkpoint), trusted},
		"another log's key":      {resigned("Touchmark log key rotation\nlog.example\n" + foreign.Verifier() + "\n"), trusted},
		"said of another log":    {resigned("Touchmark log key rotation\nother.example\n" + foreign.Verifier() + "\n"), trusted},
		"more lines":             {resigned("Touchmark log key rotation\nlog.example\n" + next.Verifier() + "\nmore\n"), trusted},
		"another kind of notice": {resigned("Touchmark log key retirement\nlog.example\n" + next.Verifier() + "\n"), trusted},
		"too long":               {strings.Repeat("x", audit.MaxRotation+1), trusted},
	} {
		if _, err := audit.OpenRotation(c.statement, c.trusted); !errors.Is(err, audit.ErrRotation) {
			t.Errorf("%s: error %v, want ErrRotation", name, err)
		}
	}
	if _, err := audit.OpenCheckpoint([]byte(statement), trusted); !errors.Is(err, audit.ErrCheckpoint) {
		t.Errorf("taken for a checkpoint: %v", err)
	}
	if _, err := audit.SignRotation(old, foreign.Verifier()); !errors.Is(err, audit.ErrRotation) {
		t.Errorf("speaking for another log: %v", err)
	}
}

func TestWhatIsNoKey(t *testing.T) {
	private, public, err := audit.GenerateKey(rand.Reader, "log.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"nothing": "", "public": public, "cut": private[:len(private)-4], "garbage": "PRIVATE+KEY+a+b+c"} {
		_, err := audit.ParseKey(text)
		if !errors.Is(err, audit.ErrKey) {
			t.Errorf("%s: error %v, want ErrKey", name, err)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text[len(text)/2:]) {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
}

func FuzzOpenRotation(f *testing.F) {
	private, public, err := audit.GenerateKey(rand.Reader, "log.example")
	if err != nil {
		f.Fatal(err)
	}
	key, err := audit.ParseKey(private)
	if err != nil {
		f.Fatal(err)
	}
	trusted, err := note.NewVerifier(public)
	if err != nil {
		f.Fatal(err)
	}
	statement, err := audit.SignRotation(key, public)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(statement)
	f.Add("Touchmark log key rotation\nlog.example\n\n\u2014 log.example AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		next, err := audit.OpenRotation(text, trusted)
		if err != nil && !errors.Is(err, audit.ErrRotation) {
			t.Errorf("error %v, want ErrRotation", err)
		}
		if err == nil && next.Name() != trusted.Name() {
			t.Errorf("it leads to a key of %q", next.Name())
		}
	})
}
