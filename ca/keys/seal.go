package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"go.step.sm/crypto/pemutil"
)

// blockType is that of an encrypted PKCS#8 key in PEM (RFC 7468, section 11).
const blockType = "ENCRYPTED PRIVATE KEY"

// seal encrypts a key as PKCS#8 (RFC 5958, section 3) with AES-256 and PBKDF2. The
// plain encoding is wiped; the key itself is for as long as the process runs.
func seal(key crypto.Signer, secret []byte) ([]byte, error) {
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	defer clear(plain)
	block, err := pemutil.EncryptPKCS8PrivateKey(rand.Reader, plain, secret, pemutil.DefaultEncCipher)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}

// unseal decrypts what seal encrypted, or OpenSSL, and wipes the plain encoding.
func unseal(block *pem.Block, secret []byte) (crypto.Signer, error) {
	plain, err := pemutil.DecryptPKCS8PrivateKey(block.Bytes, secret)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errors.New("what was decrypted is no key") // err could tell of it
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of this kind (%T) cannot sign", key)
	}
	return signer, nil
}
