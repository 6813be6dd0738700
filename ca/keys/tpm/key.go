package tpm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Key signs with a key that is loaded in a TPM. It is safe for concurrent use; a
// TPM does one thing at a time.
type Key struct {
	public *ecdsa.PublicKey

	mu         sync.Mutex // guards the rest: commands and answers alternate
	chip       transport.TPMCloser
	handle     tpm2.NamedHandle
	passphrase []byte
}

var _ crypto.Signer = (*Key)(nil)

// Open loads a key into its TPM. Whether the passphrase is the right one shows when
// the key signs. The key keeps a copy of it, which Close wipes.
func Open(device string, file KeyFile, passphrase []byte) (*Key, error) {
	public, err := tpm2.Unmarshal[tpm2.TPM2BPublic](file.Public)
	if err != nil {
		return nil, fmt.Errorf("%w: its public part: %w", ErrKeyFile, err)
	}
	private, err := tpm2.Unmarshal[tpm2.TPM2BPrivate](file.Private)
	if err != nil {
		return nil, fmt.Errorf("%w: its private part: %w", ErrKeyFile, err)
	}
	key := &Key{}
	if key.public, err = publicKey(public); err != nil {
		return nil, err
	}
	if key.chip, err = connect(device); err != nil {
		return nil, err
	}
	if err := key.load(*public, *private); err != nil {
		return nil, errors.Join(err, key.chip.Close())
	}
	if !file.EmptyAuth {
		key.passphrase = bytes.Clone(passphrase)
	}
	return key, nil
}

func (k *Key) load(public tpm2.TPM2BPublic, private tpm2.TPM2BPrivate) error {
	parent, err := makeRoot(k.chip)
	if err != nil {
		return err
	}
	defer flush(k.chip, parent.name.Handle)
	loaded, err := tpm2.Load{
		ParentHandle: tpm2.AuthHandle{Handle: parent.name.Handle, Name: parent.name.Name, Auth: parent.session()},
		InPrivate:    private, InPublic: public,
	}.Execute(k.chip)
	if errors.Is(err, tpm2.TPMRCIntegrity) {
		return fmt.Errorf("%w: it is another TPM's, or of one that was cleared: %w", ErrKeyFile, err)
	}
	if err != nil {
		return fmt.Errorf("loading the key: %w", err)
	}
	k.handle = tpm2.NamedHandle{Handle: loaded.ObjectHandle, Name: loaded.Name}
	return nil
}

// publicKey reads an ECDSA key of a TPM2B_PUBLIC.
func publicKey(public *tpm2.TPM2BPublic) (*ecdsa.PublicKey, error) {
	contents, err := public.Contents()
	if err != nil {
		return nil, fmt.Errorf("%w: its public part: %w", ErrKeyFile, err)
	}
	parameters, err := contents.Parameters.ECCDetail()
	if err != nil {
		return nil, fmt.Errorf("%w: it is no ECDSA key: %w", ErrKeyFile, err)
	}
	point, err := contents.Unique.ECC()
	if err != nil {
		return nil, fmt.Errorf("%w: its public part: %w", ErrKeyFile, err)
	}
	var curve elliptic.Curve
	switch parameters.CurveID {
	case tpm2.TPMECCNistP256:
		curve = elliptic.P256()
	case tpm2.TPMECCNistP384:
		curve = elliptic.P384()
	default:
		return nil, fmt.Errorf("%w: it is on curve %#x; want P-256 or P-384", ErrKeyFile, parameters.CurveID)
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(point.X.Buffer) > size || len(point.Y.Buffer) > size {
		return nil, fmt.Errorf("%w: its point is too long", ErrKeyFile)
	}
	encoded := make([]byte, 1+2*size) // uncompressed (SEC 1, section 2.3.3)
	encoded[0] = 4
	copy(encoded[1+size-len(point.X.Buffer):], point.X.Buffer)
	copy(encoded[1+2*size-len(point.Y.Buffer):], point.Y.Buffer)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return key, nil
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer, for digests of SHA-256 and SHA-384. It may take as
// long as the TPM does. [ErrPassphrase] means that it was refused, or that the TPM
// locked its keys because of such; after other errors the key is to be opened
// again.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := tpm2.TPMAlgSHA256
	switch opts.HashFunc() {
	case crypto.SHA256:
	case crypto.SHA384:
		hash = tpm2.TPMAlgSHA384
	default:
		return nil, fmt.Errorf("%w: signatures with %s", ErrAlgorithm, opts.HashFunc())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	signed, err := tpm2.Sign{
		KeyHandle: tpm2.AuthHandle{
			Handle: k.handle.Handle, Name: k.handle.Name, Auth: tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Auth(k.passphrase)),
		},
		Digest:     tpm2.TPM2BDigest{Buffer: digest},
		InScheme:   tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUSigScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: hash})},
		Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck},
	}.Execute(k.chip)
	if errors.Is(err, tpm2.TPMRCAuthFail) || errors.Is(err, tpm2.TPMRCBadAuth) || errors.Is(err, tpm2.TPMRCLockout) {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	signature, err := signed.Signature.Signature.ECDSA()
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // RFC 3279, section 2.2.3
		b.AddASN1BigInt(new(big.Int).SetBytes(signature.SignatureR.Buffer))
		b.AddASN1BigInt(new(big.Int).SetBytes(signature.SignatureS.Buffer))
	})
	return b.Bytes()
}

// Close unloads the key and wipes the passphrase.
func (k *Key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.passphrase)
	flush(k.chip, k.handle.Handle)
	return k.chip.Close()
}
