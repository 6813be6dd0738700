package keys

import (
	"context"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.step.sm/crypto/kms/apiv1"
	"go.step.sm/crypto/kms/softkms"
	"go.step.sm/crypto/kms/uri"
)

// maxKeyFile bounds a key file, in octets; RSA of 8192 bits takes 7 KiB.
const maxKeyFile = 64 << 10

func createFile(keyURI string, algorithm Algorithm, pass Passphrase) (crypto.Signer, error) {
	path := pathOf(keyURI)
	if pass.IsZero() {
		return nil, fmt.Errorf("key file %s: %w: a key file is always encrypted; set one of file, env and credential", path, ErrPassphrase)
	}
	if _, err := os.Lstat(path); err == nil { // writeNew finds out for certain; this is sooner
		return nil, errExists(path)
	}
	secret, err := pass.read()
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	defer clear(secret)
	key, err := algorithm.generate()
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	text, err := seal(key, secret)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	if err := writeNew(path, text); err != nil {
		return nil, err
	}
	return key, nil
}

func openFile(ctx context.Context, keyURI string, pass Passphrase) (crypto.Signer, error) {
	path := pathOf(keyURI)
	text, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(text) // it may be a plain key
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("key file %s: it holds no PEM block; want -----BEGIN %s-----", path, blockType)
	}
	defer clear(block.Bytes)
	encrypted := block.Type == blockType || block.Headers["DEK-Info"] != ""
	switch {
	case encrypted && pass.IsZero():
		return nil, fmt.Errorf("key file %s: %w: it is encrypted; set one of file, env and credential", path, ErrPassphrase)
	case !encrypted && !pass.IsZero():
		return nil, fmt.Errorf("key file %s: %w: one is configured, but the file is not encrypted; encrypt it with openssl pkcs8 -topk8, or configure none", path, ErrPassphrase)
	}
	var secret []byte
	if encrypted {
		if secret, err = pass.read(); err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		defer clear(secret)
	}
	var signer crypto.Signer
	if block.Type == blockType {
		signer, err = unseal(block, secret)
	} else {
		signer, err = openOther(ctx, text, secret)
	}
	if err != nil && encrypted {
		return nil, fmt.Errorf("key file %s: %w: is it the right one? %w", path, ErrPassphrase, err)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return signer, nil
}

// openOther opens whatever else smallstep's KMS knows: plain PKCS#8, and the forms
// that were before it.
func openOther(ctx context.Context, text, secret []byte) (crypto.Signer, error) {
	manager, err := softkms.New(ctx, apiv1.Options{})
	if err != nil {
		return nil, err
	}
	return manager.CreateSigner(&apiv1.CreateSignerRequest{SigningKeyPEM: text, Password: secret})
}

func readKeyFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("key file %s: %w; make one with `touchmark ca request`", path, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("key file %s: larger than %d octets; it is no key", path, maxKeyFile)
	}
	return text, nil
}

// pathOf reads softkms:path=/a/b, softkms:/a/b and plain paths.
func pathOf(keyURI string) string {
	u, err := uri.ParseWithScheme(softkms.Scheme, keyURI)
	if err != nil {
		return keyURI
	}
	if path := u.Get("path"); path != "" {
		return path
	}
	if u.Path != "" {
		return u.Path
	}
	return u.Opaque
}

// writeNew makes a file of mode 0600 that is there as a whole or not at all,
// and durable, and replaces none: it is written and synced under another name,
// and linked to its own, which fails where a file is.
func writeNew(path string, data []byte) (err error) {
	directory := filepath.Dir(path)
	temporary, err := os.CreateTemp(directory, ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, os.Remove(temporary.Name())) }()
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	err = os.Link(temporary.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return errExists(path)
	}
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	return syncDirectory(directory)
}

func errExists(path string) error {
	return fmt.Errorf("key file %s: %w; it is not replaced: move it away, or open it", path, ErrExists)
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	err = errors.Join(directory.Sync(), directory.Close())
	if err != nil {
		return fmt.Errorf("key file: syncing %s: %w", path, err)
	}
	return nil
}
