package keys

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"go.step.sm/crypto/kms/uri"

	"github.com/touchmark/touchmark/ca/keys/tpm"
)

const (
	// schemeTPM is that of keys in TPMs: tpm:file=/a/b;device=/dev/tpmrm0.
	schemeTPM = "tpm"
	// tpmFile is the name of a TPM's key that lies in a folder.
	tpmFile = "issuing.tpm"
)

// InFolder returns the URI of a key that lies in a folder where the URI says no other
// place: tpm: and tpm:device=… mean the file issuing.tpm of the folder. Others are
// returned as they are.
func InFolder(keyURI, folder string) string {
	scheme, rest, found := strings.Cut(keyURI, ":")
	if !found || !strings.EqualFold(scheme, schemeTPM) {
		return keyURI
	}
	u, err := uri.Parse(keyURI)
	if err != nil || u.Has("file") {
		return keyURI
	}
	separator := ";"
	if rest == "" {
		separator = ""
	}
	return keyURI + separator + "file=" + filepath.Join(folder, tpmFile)
}

// chips is the driver of TPMs. The key's passphrase is its authorisation value.
type chips struct{}

func addTPM(all map[string]driver) { all[schemeTPM] = chips{} }

// create implements driver.
func (chips) create(_ context.Context, keyURI string, algorithm Algorithm, pass Passphrase) (string, error) {
	device, path, err := parseTPM(keyURI)
	if err != nil {
		return "", err
	}
	secret, err := pass.readIfAny()
	if err != nil {
		return "", err
	}
	defer clear(secret)
	made, err := tpm.Create(device, tpm.Curve(algorithm), secret)
	if err != nil {
		return "", chipError(err)
	}
	text, err := made.Encode()
	if err != nil {
		return "", err
	}
	return keyURI, writeNew(path, text)
}

// open implements driver. The key signs once, for a TPM tells a wrong passphrase
// only then.
func (chips) open(_ context.Context, keyURI string, pass Passphrase) (token, error) {
	device, path, err := parseTPM(keyURI)
	if err != nil {
		return nil, err
	}
	text, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	file, err := tpm.ParseKeyFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	secret, err := pass.readIfAny()
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	key, err := tpm.Open(device, file, secret)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no TPM is at %s: %w", device, err)
	}
	if err != nil {
		return nil, chipError(err)
	}
	opened := chipKey{key}
	if _, err := opened.Sign(rand.Reader, make([]byte, crypto.SHA256.Size()), crypto.SHA256); err != nil {
		return nil, errors.Join(err, key.Close())
	}
	return opened, nil
}

func parseTPM(keyURI string) (device, path string, err error) {
	u, err := uri.Parse(keyURI)
	if err != nil {
		return "", "", fmt.Errorf("%w: write it as tpm:file=…;device=…", ErrURI)
	}
	for name := range u.Values {
		if name != "file" && name != "device" {
			return "", "", fmt.Errorf("%w: %.40q is not known; there are file and device", ErrURI, name)
		}
	}
	device, path = u.Get("device"), u.Get("file")
	if device == "" {
		device = tpm.DefaultDevice
	}
	if !filepath.IsAbs(path) || !filepath.IsAbs(device) {
		return "", "", fmt.Errorf("%w: file and device of a TPM's key are absolute paths", ErrURI)
	}
	return device, path, nil
}

// chipKey says in this package's words why a TPM does not sign.
type chipKey struct{ *tpm.Key }

// Sign implements crypto.Signer.
func (k chipKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := k.Key.Sign(random, digest, opts)
	return signature, chipError(err)
}

func chipError(err error) error {
	switch {
	case errors.Is(err, tpm.ErrPassphrase):
		return fmt.Errorf("%w: %w", ErrPassphrase, err)
	case errors.Is(err, tpm.ErrAlgorithm):
		return fmt.Errorf("%w: %w", ErrAlgorithm, err)
	default:
		return err
	}
}
