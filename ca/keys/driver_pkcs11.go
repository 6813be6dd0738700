//go:build pkcs11

package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/touchmark/touchmark/ca/keys/pkcs11"
)

// tokens is the driver of PKCS#11: one library of each path for the process.
type tokens struct {
	sessions int

	mu        sync.Mutex // guards libraries
	libraries map[string]*pkcs11.Library
}

// addPKCS11 adds the driver for PKCS#11, which this build has.
func addPKCS11(all map[string]driver, c Config) {
	all[pkcs11.Scheme] = &tokens{sessions: c.AtOnce, libraries: map[string]*pkcs11.Library{}}
}

// create implements driver.
func (d *tokens) create(_ context.Context, keyURI string, algorithm Algorithm, pass Passphrase) (string, error) {
	u, library, pin, err := d.prepare(keyURI, pass)
	if err != nil {
		return "", err
	}
	made, err := library.Create(u, pin, pkcs11.Kind(algorithm))
	if err != nil {
		return "", tokenError(err)
	}
	return made.String(), nil
}

// open implements driver.
func (d *tokens) open(_ context.Context, keyURI string, pass Passphrase) (token, error) {
	u, library, pin, err := d.prepare(keyURI, pass)
	if err != nil {
		return nil, err
	}
	key, err := library.Open(u, pin, d.sessions)
	if err != nil {
		return nil, tokenError(err)
	}
	return tokenKey{key}, nil
}

// prepare loads the library that a URI names, once, and reads the PIN, which is a
// string because the library's binding wants one: Go cannot wipe it.
func (d *tokens) prepare(keyURI string, pass Passphrase) (u pkcs11.URI, library *pkcs11.Library, pin string, err error) {
	if u, err = pkcs11.ParseURI(keyURI); err != nil {
		return u, nil, "", fmt.Errorf("%w: %w", ErrURI, err)
	}
	if u.PINSource != "" {
		pass = Passphrase{PassphraseConfig{File: u.PINSource}}
	}
	secret, err := pass.readIfAny()
	if err != nil {
		return u, nil, "", err
	}
	pin = string(secret)
	clear(secret)
	d.mu.Lock()
	defer d.mu.Unlock()
	if library = d.libraries[u.ModulePath]; library == nil {
		if library, err = pkcs11.Load(u.ModulePath); err != nil {
			return u, nil, "", err
		}
		d.libraries[u.ModulePath] = library
	}
	return u, library, pin, nil
}

// tokenKey says in this package's words why a token does not sign.
type tokenKey struct{ *pkcs11.Key }

// Sign implements crypto.Signer.
func (k tokenKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := k.Key.Sign(random, digest, opts)
	return signature, tokenError(err)
}

func tokenError(err error) error {
	for from, to := range map[error]error{
		pkcs11.ErrPIN: ErrPassphrase, pkcs11.ErrNotFound: ErrNotFound, pkcs11.ErrExists: ErrExists,
		pkcs11.ErrMechanism: ErrAlgorithm, pkcs11.ErrURI: ErrURI, pkcs11.ErrBusy: ErrUnavailable,
	} {
		if errors.Is(err, from) {
			return fmt.Errorf("%w: %w", to, err)
		}
	}
	return err
}
