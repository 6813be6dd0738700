package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"go.step.sm/crypto/kms/apiv1"
	"go.step.sm/crypto/kms/uri"
)

// smallstep is a driver of smallstep's KMS (go.step.sm/crypto/kms).
type smallstep struct {
	start func(context.Context, apiv1.Options) (apiv1.KeyManager, error)
}

// create implements driver.
func (d smallstep) create(ctx context.Context, keyURI string, algorithm Algorithm, pass Passphrase) (string, error) {
	request, err := algorithm.request(keyURI)
	if err != nil {
		return "", err
	}
	manager, err := d.manager(ctx, keyURI, pass)
	if err != nil {
		return "", err
	}
	created, err := manager.CreateKey(request)
	err = errors.Join(err, manager.Close())
	if err != nil {
		return "", smallstepError(err)
	}
	return created.Name, nil
}

// open implements driver.
func (d smallstep) open(ctx context.Context, keyURI string, pass Passphrase) (token, error) {
	manager, err := d.manager(ctx, keyURI, pass)
	if err != nil {
		return nil, err
	}
	signer, err := manager.CreateSigner(&apiv1.CreateSignerRequest{SigningKey: keyURI})
	if err != nil {
		return nil, smallstepError(errors.Join(err, manager.Close()))
	}
	return managed{signer, manager}, nil
}

func (d smallstep) manager(ctx context.Context, keyURI string, pass Passphrase) (apiv1.KeyManager, error) {
	if _, err := uri.Parse(keyURI); err != nil {
		// The URI may hold a secret, so that neither it nor what quotes it is told.
		return nil, fmt.Errorf("%w: it cannot be parsed; write it as scheme:key=value;key=value", ErrURI)
	}
	options := apiv1.Options{URI: keyURI}
	if !pass.IsZero() {
		secret, err := pass.read()
		if err != nil {
			return nil, err
		}
		options.Pin = string(secret)
		clear(secret)
	}
	manager, err := d.start(ctx, options)
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
