package tpm

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
)

// DefaultDevice is the TPM through the kernel's resource manager, which several
// programs may use, and which forgets what a program leaves behind.
const DefaultDevice = "/dev/tpmrm0"

var (
	// ErrPassphrase means that the TPM did not take the passphrase. Trying again has
	// it lock its keys.
	ErrPassphrase = errors.New("the passphrase was refused")
	// ErrAlgorithm means that the TPM makes no such keys.
	ErrAlgorithm = errors.New("the TPM makes no such keys")
)

// connect opens a TPM: a device, or the socket of one that is emulated.
func connect(device string) (transport.TPMCloser, error) {
	info, err := os.Stat(device)
	if err != nil {
		return nil, err
	}
	if info.Mode()&os.ModeSocket != 0 {
		return linuxudstpm.Open(device)
	}
	return linuxtpm.Open(device)
}

// root is the storage root key, loaded.
type root struct {
	name   tpm2.NamedHandle
	public tpm2.TPMTPublic
}

// rootTemplate is the storage root key on P-256 (TCG EK Credential Profile, template
// H-2): which key it is follows from the owner's seed and this, so that it is made
// anew each time and kept nowhere.
func rootTemplate() tpm2.TPMTPublic {
	template := tpm2.ECCSRKTemplate
	template.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{})
	return template
}

// makeRoot makes the storage root key. Whoever calls it flushes it.
func makeRoot(device transport.TPM) (root, error) {
	made, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.TPMRHOwner,
		InPublic:      tpm2.New2B(rootTemplate()),
	}.Execute(device)
	if err != nil {
		return root{}, fmt.Errorf("making the storage root key: %w", err)
	}
	r := root{name: tpm2.NamedHandle{Handle: made.ObjectHandle, Name: made.Name}}
	public, err := made.OutPublic.Contents()
	if err != nil {
		flush(device, made.ObjectHandle)
		return root{}, fmt.Errorf("making the storage root key: %w", err)
	}
	r.public = *public
	return r, nil
}

// session encrypts what is secret on the way to the TPM (TPM 2.0 Library, part 1,
// section 21); it is good for one command.
func (r root) session(options ...tpm2.AuthOption) tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, append(options,
		tpm2.AESEncryption(128, tpm2.EncryptIn), tpm2.Salted(r.name.Handle, r.public))...)
}

// flush forgets an object. That the TPM has forgotten it already is well.
func flush(device transport.TPM, handle tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: handle}.Execute(device)
}
