//go:build cloudkms

package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.step.sm/crypto/kms/apiv1"
	"go.step.sm/crypto/kms/uri"
)

// smallstep is a driver of smallstep's KMS (go.step.sm/crypto/kms).
type smallstep struct {
	start func(context.Context, apiv1.Options) (apiv1.KeyManager, error)
}

// create implements driver.
func (d smallstep) create(ctx context.Context, keyURI string, algorithm Algorithm, _ Passphrase) (string, error) {
	request, err := algorithm.request(keyURI)
	if err != nil {
		return "", err
	}
	manager, err := d.manager(ctx, keyURI)
	if err != nil {
		return "", err
	}
	created, err := manager.CreateKey(request)
	err = errors.Join(err, manager.Close())
	if err != nil {
		return "", smallstepError(err)
	}
	return carry(keyURI, created.Name), nil
}

// carry adds to the URI that a KMS gave a key how it is reached, which was in the URI
// that was asked for.
func carry(asked, made string) string {
	from, err := uri.Parse(asked)
	if err != nil {
		return made
	}
	scheme, rest, _ := strings.Cut(made, ":")
	path, query, versioned := strings.Cut(rest, "?")
	for _, name := range []string{"region", "profile", "credentials-file", "environment", "tenant-id", "client-id"} {
		value := from.Get(name)
		if value == "" {
			continue
		}
		if !strings.Contains(path, "=") { // Google's are a resource's name
			path = "resource=" + path
		}
		path += ";" + name + "=" + url.QueryEscape(value)
	}
	if versioned {
		path += "?" + query
	}
	return scheme + ":" + path
}

// open implements driver.
func (d smallstep) open(ctx context.Context, keyURI string, _ Passphrase) (token, error) {
	manager, err := d.manager(ctx, keyURI)
	if err != nil {
		return nil, err
	}
	signer, err := manager.CreateSigner(&apiv1.CreateSignerRequest{SigningKey: keyURI})
	if err != nil {
		return nil, smallstepError(errors.Join(err, manager.Close()))
	}
	return managed{signer, manager}, nil
}

func (d smallstep) manager(ctx context.Context, keyURI string) (apiv1.KeyManager, error) {
	u, err := uri.Parse(keyURI)
	if err != nil {
		// The URI may hold a secret, so that neither it nor what quotes it is told.
		return nil, fmt.Errorf("%w: it cannot be parsed; write it as scheme:key=value;key=value", ErrURI)
	}
	for _, name := range []string{"pin-value", "client-secret"} {
		if u.Has(name) {
			return nil, fmt.Errorf("%w: %s does not belong in a URI, which others can read in argument lists and files; configure it as the KMS's own programs have it", ErrURI, name)
		}
	}
	// No passphrase: the KMSs know who calls by their own means.
	manager, err := d.start(ctx, apiv1.Options{URI: keyURI})
	if err != nil {
		return nil, smallstepError(err)
	}
	return manager, nil
}

// managed is a signer with the manager that it works through.
type managed struct {
	crypto.Signer
	apiv1.KeyManager
}

// Close implements token.
func (m managed) Close() error { return m.KeyManager.Close() }

func smallstepError(err error) error {
	var exists apiv1.AlreadyExistsError
	var missing apiv1.NotFoundError
	switch {
	case errors.As(err, &exists):
		return fmt.Errorf("%w: %w", ErrExists, err)
	case errors.As(err, &missing):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	default:
		return err
	}
}

// request asks smallstep's KMS for a new key.
func (a Algorithm) request(keyURI string) (*apiv1.CreateKeyRequest, error) {
	request := &apiv1.CreateKeyRequest{Name: keyURI, Bits: a.bits()}
	switch a {
	case P256:
		request.SignatureAlgorithm = apiv1.ECDSAWithSHA256
	case P384:
		request.SignatureAlgorithm = apiv1.ECDSAWithSHA384
	case Ed25519:
		request.SignatureAlgorithm = apiv1.PureEd25519
	case RSA3072, RSA4096:
		request.SignatureAlgorithm = apiv1.SHA256WithRSA
	default:
		return nil, fmt.Errorf("%w: %.40q", ErrAlgorithm, string(a))
	}
	return request, nil
}
