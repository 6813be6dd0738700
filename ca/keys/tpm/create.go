package tpm

import (
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// Curve is the curve of a key.
type Curve string

// The curves; P-384 is not in every TPM.
const (
	P256 Curve = "P-256"
	P384 Curve = "P-384"
)

// maxPassphrase is the longest authorisation value of a key that is named by
// SHA-256, in octets.
const maxPassphrase = 32

// Create has a TPM make a key that signs, and nothing else, and never leaves it.
// passphrase may be empty; it is up to 32 octets.
func Create(device string, curve Curve, passphrase []byte) (KeyFile, error) {
	if len(passphrase) > maxPassphrase {
		return KeyFile{}, fmt.Errorf("%w: it has %d octets; a TPM takes up to %d", ErrPassphrase, len(passphrase), maxPassphrase)
	}
	template, err := curve.template()
	if err != nil {
		return KeyFile{}, err
	}
	chip, err := connect(device)
	if err != nil {
		return KeyFile{}, err
	}
	defer chip.Close()
	parent, err := makeRoot(chip)
	if err != nil {
		return KeyFile{}, err
	}
	defer flush(chip, parent.name.Handle)
	made, err := tpm2.Create{
		ParentHandle: tpm2.AuthHandle{Handle: parent.name.Handle, Name: parent.name.Name, Auth: parent.session()},
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			UserAuth: tpm2.TPM2BAuth{Buffer: passphrase},
		}},
		InPublic: tpm2.New2B(template),
	}.Execute(chip)
	if errors.Is(err, tpm2.TPMRCCurve) || errors.Is(err, tpm2.TPMRCValue) {
		return KeyFile{}, fmt.Errorf("%w: %s: %w", ErrAlgorithm, curve, err)
	}
	if err != nil {
		return KeyFile{}, fmt.Errorf("making a key: %w", err)
	}
	return KeyFile{
		EmptyAuth: len(passphrase) == 0, Public: tpm2.Marshal(made.OutPublic), Private: tpm2.Marshal(made.OutPrivate),
	}, nil
}

// template says what a TPM makes. The scheme is left to the signature, as others
// who read the file expect.
func (c Curve) template() (tpm2.TPMTPublic, error) {
	id := tpm2.TPMECCNistP256
	switch c {
	case P256:
	case P384:
		id = tpm2.TPMECCNistP384
	default:
		return tpm2.TPMTPublic{}, fmt.Errorf("%w: %.40q; there are P-256 and P-384", ErrAlgorithm, string(c))
	}
	return tpm2.TPMTPublic{
		Type:    tpm2.TPMAlgECC,
		NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, SignEncrypt: true,
		},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{CurveID: id}),
	}, nil
}
