//go:build pkcs11

package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Key signs with a private key that never leaves its token. Sign is safe for
// concurrent use; Close is called once, when no Sign is in flight.
type Key struct {
	library *Library
	pool    *pool
	private pkcs11.ObjectHandle
	public  publicKey
}

var _ crypto.Signer = (*Key)(nil)

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer: ECDSA on digests, RSA PKCS#1 v1.5 on digests of
// SHA-2, Ed25519 on messages. The token's own randomness is used. It may hang as
// long as the token does. The error is [ErrBusy], or PKCS#11's, after which the
// key is of no more use.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	mechanism, message, err := k.prepare(digest, opts)
	if err != nil {
		return nil, err
	}
	k.library.calls.RLock()
	defer k.library.calls.RUnlock()
	session, err := k.pool.take()
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(session, mechanism, message)
	k.pool.give(session, err != nil)
	if err != nil {
		return nil, err
	}
	if _, ok := k.public.(*ecdsa.PublicKey); ok {
		return encodeECDSA(signature)
	}
	return signature, nil
}

func (k *Key) sign(session pkcs11.SessionHandle, mechanism uint, message []byte) ([]byte, error) {
	ctx := k.library.ctx
	if err := ctx.SignInit(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, k.private); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	signature, err := ctx.Sign(session, message)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return signature, nil
}

// prepare says how, and what, the token signs.
func (k *Key) prepare(digest []byte, opts crypto.SignerOpts) (mechanism uint, message []byte, err error) {
	hash := opts.HashFunc()
	if hash != 0 && len(digest) != hash.Size() {
		return 0, nil, fmt.Errorf("a digest of %d octets is none of %s", len(digest), hash)
	}
	switch k.public.(type) {
	case *ecdsa.PublicKey:
		if hash != 0 {
			return pkcs11.CKM_ECDSA, digest, nil
		}
	case *rsa.PublicKey:
		if _, pss := opts.(*rsa.PSSOptions); pss {
			break
		}
		if prefix := digestInfo(hash); prefix != nil {
			return pkcs11.CKM_RSA_PKCS, append(prefix, digest...), nil
		}
	case ed25519.PublicKey:
		if hash == 0 {
			return ckmEdDSA, digest, nil
		}
	}
	return 0, nil, fmt.Errorf("%w: a signature with %s by a key of this kind (%T)", ErrMechanism, hash, k.public)
}

// digestInfo is what stands before a digest of SHA-2 in PKCS#1 v1.5 (RFC 8017,
// section 9.2, note 1).
func digestInfo(hash crypto.Hash) []byte {
	switch hash {
	case crypto.SHA256:
		return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	case crypto.SHA384:
		return []byte{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30}
	case crypto.SHA512:
		return []byte{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40}
	default:
		return nil
	}
}

// encodeECDSA makes an Ecdsa-Sig-Value (RFC 3279, section 2.2.3) of the two halves
// that PKCS#11 returns.
func encodeECDSA(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, fmt.Errorf("the token returned %d octets; they are no ECDSA signature", len(raw))
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:len(raw)/2]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[len(raw)/2:]))
	})
	return b.Bytes()
}

// Close ends the key's sessions.
func (k *Key) Close() error {
	k.library.calls.RLock()
	defer k.library.calls.RUnlock()
	k.library.count(-1)
	return k.pool.close()
}
