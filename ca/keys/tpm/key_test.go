package tpm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/ca/keys/tpm"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hsm"
)

func TestKey(t *testing.T) {
	chip := hsm.NewTPM(t)
	for _, curve := range []tpm.Curve{tpm.P256, tpm.P384} {
		for name, passphrase := range map[string]string{"without a passphrase": "", "with a passphrase": "correct horse"} {
			t.Run(string(curve)+" "+name, func(t *testing.T) {
				file, err := tpm.Create(chip.Device, curve, []byte(passphrase))
				if err != nil {
					t.Fatal(err)
				}
				key := load(t, chip, file, passphrase)
				if got := key.Public().(*ecdsa.PublicKey).Params().Name; got != string(curve) {
					t.Errorf("it is on %s", got)
				}
				var all sync.WaitGroup
				for range 5 {
					all.Go(func() { checkSigns(t, key) })
				}
				all.Wait()
			})
		}
	}
	t.Run("OpenSSL", func(t *testing.T) {
		file, err := tpm.Create(chip.Device, tpm.P256, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		// OpenSSL's provider of others, tpm2-openssl, loads the file into the same TPM.
		t.Setenv("TPM2OPENSSL_TCTI", "swtpm:path="+chip.Device)
		digest := sha256.Sum256([]byte("what is signed"))
		out := filepath.Join(t.TempDir(), "signature")
		certstest.OpenSSL(t, nil, "pkeyutl", "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2", "-sign",
			"-inkey", certstest.File(t, "issuing.tpm", text), "-in", certstest.File(t, "digest", digest[:]), "-out", out)
		signature, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !ecdsa.VerifyASN1(load(t, chip, file, "").Public().(*ecdsa.PublicKey), digest[:], signature) {
			t.Error("OpenSSL signed with another key")
		}
	})
	file, err := tpm.Create(chip.Device, tpm.P256, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("wrong passphrase", func(t *testing.T) {
		digest := sha256.Sum256(nil)
		if _, err := load(t, chip, file, "wrong").Sign(rand.Reader, digest[:], crypto.SHA256); !errors.Is(err, tpm.ErrPassphrase) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("restarted", func(t *testing.T) {
		key := load(t, chip, file, "secret")
		chip.Stop()
		digest := sha256.Sum256(nil)
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err == nil {
			t.Error("a TPM that is away signed")
		}
		chip.Start(t)
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err == nil {
			t.Error("a key that is not loaded any more signed")
		}
		checkSigns(t, load(t, chip, file, "secret"))
	})
	t.Run("refused", func(t *testing.T) {
		if _, err := tpm.Create(chip.Device, "P-521", nil); !errors.Is(err, tpm.ErrAlgorithm) {
			t.Errorf("P-521: %v", err)
		}
		if _, err := tpm.Create(chip.Device, tpm.P256, make([]byte, 33)); !errors.Is(err, tpm.ErrPassphrase) {
			t.Errorf("a long passphrase: %v", err)
		}
		if _, err := tpm.Open(hsm.NewTPM(t).Device, file, []byte("secret")); !errors.Is(err, tpm.ErrKeyFile) {
			t.Errorf("another TPM's key: %v", err)
		}
		broken := file
		broken.Public = broken.Public[:10]
		if _, err := tpm.Open(chip.Device, broken, nil); !errors.Is(err, tpm.ErrKeyFile) {
			t.Errorf("half a key: %v", err)
		}
	})
}

func load(t *testing.T, chip *hsm.TPM, file tpm.KeyFile, passphrase string) *tpm.Key {
	t.Helper()
	key, err := tpm.Open(chip.Device, file, []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := key.Close(); err != nil {
			t.Error(err)
		}
	})
	return key
}

func checkSigns(t *testing.T, key *tpm.Key) {
	t.Helper()
	digest := sha256.Sum256([]byte("what is signed"))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Error(err)
		return
	}
	if !ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), digest[:], signature) {
		t.Error("wrong signature")
	}
}
