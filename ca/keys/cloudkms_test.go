//go:build cloudkms

package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/certs-test/kms"
)

// A key in AWS KMS is used by configuration alone: its URI, and what Amazon's own
// programs read.
func TestCloudKMS(t *testing.T) {
	service := &kms.Service{}
	server := httptest.NewServer(service)
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": server.URL, "AWS_ACCESS_KEY_ID": kms.KeyID, "AWS_SECRET_ACCESS_KEY": kms.Secret, "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"), "AWS_REGION": "",
	} {
		t.Setenv(name, value)
	}
	ring := keys.NewKeyring(keys.Config{Timeout: 10 * time.Second})
	defer ring.Close()
	for _, algorithm := range []keys.Algorithm{keys.P256, keys.P384, keys.RSA3072} {
		made, err := ring.Create(t.Context(), "awskms:name=issuing;region="+kms.Region, algorithm)
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		if got := nameOf(made.Signer.Public()); got != string(algorithm) || !strings.Contains(made.URI, "key-id=1234abcd-") || !strings.Contains(made.URI, "region="+kms.Region) {
			t.Errorf("made a key %s at %s", got, made.URI)
		}
	}
	if _, err := ring.Create(t.Context(), "awskms:name=issuing;region="+kms.Region, keys.Ed25519); err == nil {
		t.Error("an Ed25519 key was made")
	}
	made, err := ring.Create(t.Context(), "awskms:name=again;region="+kms.Region, keys.P256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ring.Open(t.Context(), made.URI)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	sign := func() error {
		signature, err := signer.Sign(nil, digest, crypto.SHA256)
		if err == nil && !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest, signature) {
			t.Error("wrong signature")
		}
		return err
	}
	if err := sign(); err != nil {
		t.Fatal(err)
	}
	service.Away(true)
	if err := sign(); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("while it is away: %v", err)
	}
	if later, err := ring.OpenLater(t.Context(), made.URI, signer.Public()); err != nil || later.Public() == nil {
		t.Errorf("opened while it is away: %v", err)
	}
	service.Away(false)
	for err = sign(); errors.Is(err, keys.ErrUnavailable); err = sign() { // until it is looked for again
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("when it was back: %v", err)
	}
	if _, err := ring.Open(t.Context(), "azurekms:name=x;vault=y;client-secret=geheim"); !errors.Is(err, keys.ErrURI) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a secret in a URI: %v", err)
	}
	if _, err := ring.Open(t.Context(), "awskms:key-id=1234abcd-none;region="+kms.Region); err == nil || strings.Contains(err.Error(), kms.Secret) {
		t.Errorf("a key that is not there: %v", err)
	}
}
