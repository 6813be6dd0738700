package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"go.step.sm/crypto/kms/apiv1"
	"go.step.sm/crypto/kms/uri"
)

var (
	// ErrScheme means that no driver for a key URI is built in.
	ErrScheme = errors.New("no driver for this kind of key")
	// ErrExists means that a key is already where a new one was to be made.
	ErrExists = errors.New("a key is already there")
	// ErrNotFound means that there is no key at the URI.
	ErrNotFound = errors.New("no key there")
)

// Made is a new key.
type Made struct {
	// Signer is safe for concurrent use.
	Signer crypto.Signer
	// URI is where the key is from now on: that which was asked for, or the name that
	// a KMS gave it.
	URI string
}

// Create makes a new key where the URI says. A key file is encrypted under the
// passphrase, which is required, has mode 0600, is written and synced as a whole
// or not at all, and never replaces a file: that is [ErrExists]. In a token or
// KMS the passphrase, if any, is the PIN. Where keys of the algorithm cannot be
// made the error wraps [ErrAlgorithm] or the driver's.
func Create(ctx context.Context, keyURI string, algorithm Algorithm, pass Passphrase) (Made, error) {
	kind, err := kindOf(keyURI)
	if err != nil {
		return Made{}, err
	}
	if kind == apiv1.SoftKMS {
		signer, err := createFile(keyURI, algorithm, pass)
		return Made{Signer: signer, URI: keyURI}, err
	}
	request, err := algorithm.request(keyURI)
	if err != nil {
		return Made{}, err
	}
	manager, err := openManager(ctx, kind, keyURI, pass)
	if err != nil {
		return Made{}, err
	}
	created, err := manager.CreateKey(request)
	if err != nil {
		return Made{}, managerError(keyURI, errors.Join(err, manager.Close()))
	}
	signer, err := manager.CreateSigner(&created.CreateSignerRequest)
	if err != nil {
		return Made{}, managerError(keyURI, errors.Join(err, manager.Close()))
	}
	return Made{Signer: signer, URI: created.Name}, nil
}

// Open returns the signer of the key at the URI. An encrypted key file needs the
// passphrase; with the zero Passphrase it must be unencrypted, and with a
// passphrase an unencrypted one is refused. No key there is [ErrNotFound].
func Open(ctx context.Context, keyURI string, pass Passphrase) (crypto.Signer, error) {
	kind, err := kindOf(keyURI)
	if err != nil {
		return nil, err
	}
	if kind == apiv1.SoftKMS {
		return openFile(ctx, keyURI, pass)
	}
	manager, err := openManager(ctx, kind, keyURI, pass)
	if err != nil {
		return nil, err
	}
	// The signer works through the manager, which lives as long as the process.
	signer, err := manager.CreateSigner(&apiv1.CreateSignerRequest{SigningKey: keyURI})
	if err != nil {
		return nil, managerError(keyURI, errors.Join(err, manager.Close()))
	}
	return signer, nil
}

// BuiltIn lists the schemes that keys can be opened by.
func BuiltIn() []string {
	var schemes []string
	for _, kind := range []apiv1.Type{
		apiv1.SoftKMS, apiv1.PKCS11, apiv1.TPMKMS, apiv1.YubiKey, apiv1.AmazonKMS, apiv1.AzureKMS, apiv1.CloudKMS,
	} {
		if _, ok := apiv1.LoadKeyManagerNewFunc(kind); ok {
			schemes = append(schemes, string(kind))
		}
	}
	return schemes
}

// kindOf dispatches by scheme; a URI without one is a path.
func kindOf(keyURI string) (apiv1.Type, error) {
	if keyURI == "" {
		return "", fmt.Errorf("%w: the key URI is empty; give a path or softkms:path=…", ErrScheme)
	}
	scheme, _, hasScheme := strings.Cut(keyURI, ":")
	if !hasScheme || strings.ContainsAny(scheme, `/\.`) {
		return apiv1.SoftKMS, nil
	}
	kind := apiv1.Type(strings.ToLower(scheme))
	if _, ok := apiv1.LoadKeyManagerNewFunc(kind); !ok {
		return "", fmt.Errorf("%w: %q; built in: %s", ErrScheme, scheme, strings.Join(BuiltIn(), ", "))
	}
	if _, err := uri.Parse(keyURI); err != nil {
		// The URI may hold a PIN, so that neither it nor what quotes it is told.
		return "", fmt.Errorf("%w: the %s URI cannot be parsed; write it as %s:key=value;key=value", ErrScheme, scheme, scheme)
	}
	return kind, nil
}

func openManager(ctx context.Context, kind apiv1.Type, keyURI string, pass Passphrase) (apiv1.KeyManager, error) {
	options := apiv1.Options{Type: kind, URI: keyURI}
	if !pass.IsZero() {
		secret, err := pass.read()
		if err != nil {
			return nil, err
		}
		options.Pin = string(secret)
		clear(secret)
	}
	start, _ := apiv1.LoadKeyManagerNewFunc(kind) // kindOf has seen it
	manager, err := start(ctx, options)
	if err != nil {
		return nil, managerError(keyURI, err)
	}
	return manager, nil
}

// managerError names the driver and not the URI, which may hold a PIN.
func managerError(keyURI string, err error) error {
	scheme, _, _ := strings.Cut(keyURI, ":")
	var exists apiv1.AlreadyExistsError
	var missing apiv1.NotFoundError
	switch {
	case errors.As(err, &exists):
		return fmt.Errorf("%s key: %w: %w", scheme, ErrExists, err)
	case errors.As(err, &missing):
		return fmt.Errorf("%s key: %w: %w", scheme, ErrNotFound, err)
	default:
		return fmt.Errorf("%s key: %w", scheme, err)
	}
}
