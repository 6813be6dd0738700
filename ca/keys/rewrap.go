package keys

import (
	"context"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Rewrap encrypts the key file at the URI anew, under the next passphrase, and puts it
// in the place of the old one, which is good until that moment: a crash leaves the one
// or the other, whole. What was written is opened and compared before. A file that the
// next passphrase opens already is left as it is, so that whoever was interrupted runs
// it again. It returns false where there is nothing to encrypt: the passphrase of a
// token or a KMS is theirs to change.
func (k *Keyring) Rewrap(ctx context.Context, keyURI string, next Passphrase) (rewrapped bool, err error) {
	scheme, err := k.schemeOf(keyURI)
	if err != nil || scheme != "" {
		return false, err
	}
	path := pathOf(keyURI)
	if next.IsZero() {
		return false, fmt.Errorf("key file %s: %w: a key file is always encrypted; name the next one", path, ErrPassphrase)
	}
	if _, err := openFile(ctx, keyURI, next); err == nil {
		return true, nil
	}
	key, err := openFile(ctx, keyURI, k.config.Passphrase)
	if err != nil {
		return false, err
	}
	secret, err := next.read()
	if err != nil {
		return false, fmt.Errorf("key file %s: %w", path, err)
	}
	defer clear(secret)
	text, err := seal(key, secret)
	if err == nil {
		err = opensTo(text, secret, key)
	}
	if err == nil {
		err = replaceFile(path, text)
	}
	if err != nil {
		return false, fmt.Errorf("key file %s: %w", path, err)
	}
	return true, nil
}

// opensTo makes sure that a sealed text holds the key.
func opensTo(text, secret []byte, key crypto.Signer) error {
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("what was encrypted has no PEM block")
	}
	again, err := unseal(block, secret)
	if err != nil {
		return err
	}
	public, ok := again.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return errors.New("what was encrypted opens to another key")
	}
	return nil
}

// replaceFile puts a file of mode 0600 in the place of another, whole and durable.
func replaceFile(path string, data []byte) error {
	directory := filepath.Dir(path)
	temporary, err := os.CreateTemp(directory, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return syncDirectory(directory)
}

// With returns a Keyring with another passphrase and the same drivers, of which a
// process has one: its keys are opened by that from then on. Keys that are open stay
// so.
func (k *Keyring) With(pass Passphrase) *Keyring {
	config := k.config
	config.Passphrase = pass
	return &Keyring{config: config, drivers: k.drivers}
}
