package tpm

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// blockType is that of a TPM's key in PEM.
const blockType = "TSS2 PRIVATE KEY"

// maxKeyFile bounds a file, in octets; a key on P-384 takes 400.
const maxKeyFile = 16 << 10

// ownerHierarchy is TPM_RH_OWNER as a key's parent: the storage root key that is
// made from the owner's seed.
const ownerHierarchy = 0x40000001

// ErrKeyFile means that a file is no key of a TPM, or one of a kind that is not
// used here.
var ErrKeyFile = errors.New("TPM key file")

// oidLoadableKey is TPMKey's type of a key that its parent loads as it is.
func oidLoadableKey() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 23, 133, 10, 1, 3} }

// KeyFile is a key as it lies outside its TPM.
type KeyFile struct {
	// EmptyAuth says that no passphrase is needed.
	EmptyAuth bool
	// Public is a TPM2B_PUBLIC, Private a TPM2B_PRIVATE, which the TPM encrypted.
	Public, Private []byte
}

// tpmKey is the TPMKey of the specification, without policies, which are refused.
type tpmKey struct {
	Type      asn1.ObjectIdentifier
	EmptyAuth bool `asn1:"optional,explicit,tag:0"`
	Parent    int64
	Public    []byte
	Private   []byte
}

// Encode returns the file, in PEM.
func (f KeyFile) Encode() ([]byte, error) {
	der, err := asn1.Marshal(tpmKey{oidLoadableKey(), f.EmptyAuth, ownerHierarchy, f.Public, f.Private})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}), nil
}

// ParseKeyFile reads a file in PEM. Keys with policies and under other parents are
// refused.
func ParseKeyFile(text []byte) (KeyFile, error) {
	if len(text) > maxKeyFile {
		return KeyFile{}, fmt.Errorf("%w: larger than %d octets", ErrKeyFile, maxKeyFile)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != blockType || len(bytes.TrimSpace(rest)) > 0 {
		return KeyFile{}, fmt.Errorf("%w: want one -----BEGIN %s-----", ErrKeyFile, blockType)
	}
	var key tpmKey
	after, err := asn1.Unmarshal(block.Bytes, &key)
	switch {
	case err != nil:
		return KeyFile{}, fmt.Errorf("%w: it is no TPMKey, or one with policies, which are not used here: %w", ErrKeyFile, err)
	case len(after) > 0:
		return KeyFile{}, fmt.Errorf("%w: %d octets follow the TPMKey", ErrKeyFile, len(after))
	case !key.Type.Equal(oidLoadableKey()):
		return KeyFile{}, fmt.Errorf("%w: type %s is not that of a loadable key", ErrKeyFile, key.Type)
	case key.Parent != ownerHierarchy:
		return KeyFile{}, fmt.Errorf("%w: its parent is %#x; want the owner's storage root key, %#x", ErrKeyFile, key.Parent, ownerHierarchy)
	}
	return KeyFile{EmptyAuth: key.EmptyAuth, Public: key.Public, Private: key.Private}, nil
}
