package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// redacted is all that a Passphrase ever prints.
const redacted = "REDACTED"

// maxPassphrase bounds a passphrase, in octets.
const maxPassphrase = 1024

// ErrPassphrase means that a passphrase cannot be had or is of no use.
var ErrPassphrase = errors.New("passphrase")

// PassphraseConfig says where a passphrase comes from: exactly one of these.
type PassphraseConfig struct {
	// File is the path of a file that holds it; one newline at its end is not
	// part of it.
	File string `json:"file,omitempty" yaml:"file,omitempty"`
	// Env is the name of an environment variable.
	Env string `json:"env,omitempty" yaml:"env,omitempty"`
	// Credential is the name of a systemd credential (LoadCredential=), a file
	// in $CREDENTIALS_DIRECTORY.
	Credential string `json:"credential,omitempty" yaml:"credential,omitempty"`
}

// Passphrase is a place to read a passphrase from. Its text forms, also in logs
// and JSON, are "REDACTED". The zero value is no passphrase.
type Passphrase struct{ source PassphraseConfig }

// NewPassphrase checks the configuration; the secret is read when it is needed.
func NewPassphrase(c PassphraseConfig) (Passphrase, error) {
	given := 0
	for _, value := range []string{c.File, c.Env, c.Credential} {
		if value != "" {
			given++
		}
	}
	if given != 1 {
		return Passphrase{}, fmt.Errorf("%w: set exactly one of file, env and credential; %d are set", ErrPassphrase, given)
	}
	if strings.ContainsAny(c.Credential, "/\x00") || c.Credential == "." || c.Credential == ".." {
		return Passphrase{}, fmt.Errorf("%w: credential %q is a name in $CREDENTIALS_DIRECTORY, not a path", ErrPassphrase, c.Credential)
	}
	return Passphrase{c}, nil
}

// IsZero reports whether there is no passphrase.
func (p Passphrase) IsZero() bool { return p == Passphrase{} }

// String returns "REDACTED".
func (p Passphrase) String() string { return redacted }

// GoString returns "REDACTED".
func (p Passphrase) GoString() string { return redacted }

// MarshalText returns "REDACTED".
func (p Passphrase) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "REDACTED".
func (p Passphrase) LogValue() slog.Value { return slog.StringValue(redacted) }

// read returns the secret, 1 to 1024 octets. Callers wipe it after use.
func (p Passphrase) read() ([]byte, error) {
	secret, from, err := p.fetch()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	if len(secret) == 0 || len(secret) > maxPassphrase {
		clear(secret)
		return nil, fmt.Errorf("%w: %s holds %d octets; want 1 to %d", ErrPassphrase, from, len(secret), maxPassphrase)
	}
	return secret, nil
}

// readIfAny is read, and nothing where there is no passphrase.
func (p Passphrase) readIfAny() ([]byte, error) {
	if p.IsZero() {
		return nil, nil
	}
	return p.read()
}

func (p Passphrase) fetch() (secret []byte, from string, err error) {
	switch c := p.source; {
	case c.File != "":
		secret, err = readSecretFile(c.File)
		return secret, "file " + c.File, err
	case c.Env != "":
		value, set := os.LookupEnv(c.Env)
		if !set {
			return nil, "", fmt.Errorf("environment variable %s is not set", c.Env)
		}
		return []byte(value), "environment variable " + c.Env, nil
	case c.Credential != "":
		directory := os.Getenv("CREDENTIALS_DIRECTORY")
		if directory == "" {
			return nil, "", fmt.Errorf("credential %s: $CREDENTIALS_DIRECTORY is not set; start the program by systemd with LoadCredential=%s:PATH", c.Credential, c.Credential)
		}
		secret, err = readSecretFile(filepath.Join(directory, c.Credential))
		return secret, "credential " + c.Credential, err
	default:
		return nil, "", errors.New("none is configured; set one of file, env and credential")
	}
}

func readSecretFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	secret, err := io.ReadAll(io.LimitReader(file, maxPassphrase+2))
	if err != nil {
		return nil, err
	}
	secret = bytes.TrimSuffix(secret, []byte("\n"))
	return bytes.TrimSuffix(secret, []byte("\r")), nil
}
