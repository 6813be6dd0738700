package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/ca/keys"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func passphrase(t testing.TB, secret string) keys.Passphrase {
	t.Helper()
	p, err := keys.NewPassphrase(keys.PassphraseConfig{File: certstest.File(t, "passphrase", []byte(secret))})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ring(pass keys.Passphrase) *keys.Keyring { return keys.NewKeyring(keys.Config{Passphrase: pass}) }

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "issuing.key")
	pass := passphrase(t, "correct horse\n")
	made, err := ring(pass).Create(t.Context(), "softkms:path="+path, keys.P256)
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{path, "softkms:" + path, "SOFTKMS:path=" + path} {
		opened, err := ring(pass).Open(t.Context(), uri)
		if err != nil {
			t.Fatalf("%s: %v", uri, err)
		}
		checkSame(t, made.Signer, opened)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %s", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	certstest.OpenSSL(t, nil, "pkey", "-in", path, "-passin", "pass:correct horse", "-noout")
}

// checkSame has one sign and the other verify.
func checkSame(t *testing.T, a, b crypto.Signer) {
	t.Helper()
	digest := sha256.Sum256([]byte("message"))
	signature, err := a.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := b.Public().(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() || !ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Errorf("%T is another key", b.Public())
	}
}

func TestOpensWhatOpenSSLEncrypts(t *testing.T) {
	path := certstest.File(t, "openssl.key", nil)
	certstest.OpenSSL(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes-256-cbc", "-pass", "pass:secret", "-out", path)
	if _, err := ring(passphrase(t, "secret")).Open(t.Context(), path); err != nil {
		t.Error(err)
	}
}

func TestNothingIsReplaced(t *testing.T) {
	path := certstest.File(t, "issuing.key", []byte("precious"))
	if _, err := ring(passphrase(t, "secret")).Create(t.Context(), path, keys.P256); !errors.Is(err, keys.ErrExists) {
		t.Errorf("error is %v, want ErrExists", err)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "precious" {
		t.Errorf("the file holds %q, %v", kept, err)
	}
}

func TestOneOfManyCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "issuing.key")
	pass := passphrase(t, "secret")
	var mu sync.Mutex // guards winners
	var winners []crypto.Signer
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			made, err := ring(pass).Create(t.Context(), path, keys.P256)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				winners = append(winners, made.Signer)
			} else if !errors.Is(err, keys.ErrExists) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d keys in one file", len(winners))
	}
	opened, err := ring(pass).Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, winners[0], opened)
}

func TestRefused(t *testing.T) {
	directory := t.TempDir()
	good, plain := filepath.Join(directory, "good.key"), filepath.Join(directory, "plain.key")
	if _, err := ring(passphrase(t, "secret")).Create(t.Context(), good, keys.P256); err != nil {
		t.Fatal(err)
	}
	certstest.OpenSSL(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", plain)
	none := keys.Passphrase{}
	for name, test := range map[string]struct {
		uri  string
		pass keys.Passphrase
		err  error
		word string
	}{
		"no file":             {filepath.Join(directory, "missing.key"), passphrase(t, "secret"), keys.ErrNotFound, "ca request"},
		"wrong passphrase":    {good, passphrase(t, "wrong"), keys.ErrPassphrase, "right one"},
		"no passphrase":       {good, none, keys.ErrPassphrase, "encrypted"},
		"not encrypted":       {plain, passphrase(t, "secret"), keys.ErrPassphrase, "not encrypted"},
		"no key":              {certstest.File(t, "x", []byte("hello")), none, nil, "no PEM block"},
		"too large":           {certstest.File(t, "x", bytes.Repeat([]byte("x"), 1<<20)), none, nil, "larger"},
		"a directory":         {directory, none, nil, "key file"},
		"empty":               {"", none, keys.ErrScheme, "empty"},
		"driver not built in": {"yubikey:slot-id=9c?pin-value=1234", none, keys.ErrScheme, "built in: softkms"},
		"unknown scheme":      {"floppy:a", none, keys.ErrScheme, "built in: softkms"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ring(test.pass).Open(t.Context(), test.uri)
			if err == nil || test.err != nil && !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.word) {
				t.Fatalf("error is %v, want %v saying %q", err, test.err, test.word)
			}
			if strings.Contains(err.Error(), "1234") {
				t.Errorf("the error tells the PIN: %v", err)
			}
		})
	}
	if signer, err := ring(none).Open(t.Context(), plain); err != nil || signer == nil {
		t.Errorf("an unencrypted key, opened without a passphrase: %v", err)
	}
	if _, err := ring(none).Create(t.Context(), filepath.Join(directory, "new.key"), keys.P256); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("an unencrypted key was made: %v", err)
	}
	if _, err := ring(passphrase(t, "secret")).Create(t.Context(), filepath.Join(directory, "no", "new.key"), keys.P256); err == nil {
		t.Error("a key was made in no directory")
	}
}

func TestPassphraseSources(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "issuing"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", directory)
	t.Setenv("TOUCHMARK_TEST_PASSPHRASE", "secret")
	path := filepath.Join(t.TempDir(), "k.key")
	if _, err := ring(passphrase(t, "secret\r\n")).Create(t.Context(), path, keys.P256); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config keys.PassphraseConfig
		word   string // of the error; none if empty
	}{
		"file":                {keys.PassphraseConfig{File: filepath.Join(directory, "issuing")}, ""},
		"environment":         {keys.PassphraseConfig{Env: "TOUCHMARK_TEST_PASSPHRASE"}, ""},
		"credential":          {keys.PassphraseConfig{Credential: "issuing"}, ""},
		"missing file":        {keys.PassphraseConfig{File: filepath.Join(directory, "no")}, "no such file"},
		"missing variable":    {keys.PassphraseConfig{Env: "TOUCHMARK_TEST_NONE"}, "TOUCHMARK_TEST_NONE is not set"},
		"missing credential":  {keys.PassphraseConfig{Credential: "no"}, "no such file"},
		"empty file":          {keys.PassphraseConfig{File: certstest.File(t, "empty", []byte("\n"))}, "holds 0 octets"},
		"long file":           {keys.PassphraseConfig{File: certstest.File(t, "long", make([]byte, 2000))}, "want 1 to 1024"},
		"none":                {keys.PassphraseConfig{}, "0 are set"},
		"two":                 {keys.PassphraseConfig{File: "a", Env: "b"}, "2 are set"},
		"credential a path":   {keys.PassphraseConfig{Credential: "../issuing"}, "not a path"},
		"credential a parent": {keys.PassphraseConfig{Credential: ".."}, "not a path"},
	} {
		t.Run(name, func(t *testing.T) {
			pass, err := keys.NewPassphrase(test.config)
			if err == nil {
				_, err = ring(pass).Open(t.Context(), path)
			}
			if test.word == "" && err != nil || test.word != "" && (!errors.Is(err, keys.ErrPassphrase) || !strings.Contains(err.Error(), test.word)) {
				t.Errorf("error is %v, want one saying %q", err, test.word)
			}
		})
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	pass, err := keys.NewPassphrase(keys.PassphraseConfig{Credential: "issuing"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring(pass).Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "LoadCredential=") {
		t.Errorf("without systemd: %v", err)
	}
}

func TestPassphraseIsNeverPrinted(t *testing.T) {
	pass, err := keys.NewPassphrase(keys.PassphraseConfig{Env: "WHERE_IT_IS"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"pass": pass})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pass", pass)
	for _, out := range []string{fmt.Sprint(pass), fmt.Sprintf("%v %+v %#v %s %q", pass, pass, pass, pass, pass), string(text), log.String()} {
		if !strings.Contains(out, "REDACTED") || strings.Contains(out, "WHERE_IT_IS") {
			t.Errorf("printed as %s", out)
		}
	}
	if pass.IsZero() || !(keys.Passphrase{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestBuiltIn(t *testing.T) {
	if got := keys.BuiltIn(); len(got) == 0 || got[0] != "softkms" {
		t.Errorf("BuiltIn() = %v", got)
	}
}
