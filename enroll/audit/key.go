package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ErrKey is wrapped by what ParseKey returns for a text that is no key of a log.
var ErrKey = errors.New("not a key of a log as golang.org/x/mod/sumdb/note writes it")

// Key signs checkpoints of one log. It is a note.Signer that knows its public half.
// It may be used concurrently, and prints as its public half alone.
type Key struct {
	note.Signer
	verifier string
}

// keyParts are PRIVATE, KEY, the log's name, the key's hash, and the key.
const keyParts = 5

// ParseKey reads a private key as GenerateKey writes it. Errors wrap ErrKey and tell
// nothing of the text.
func ParseKey(private string) (*Key, error) {
	private = strings.TrimSpace(private)
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, ErrKey // err could hold the key
	}
	parts := strings.SplitN(private, "+", keyParts)
	if len(parts) != keyParts {
		return nil, ErrKey
	}
	encoded, err := base64.StdEncoding.DecodeString(parts[keyParts-1])
	if err != nil || len(encoded) != 1+ed25519.SeedSize { // the first octet is the algorithm's
		return nil, ErrKey
	}
	defer clear(encoded)
	secret := ed25519.NewKeyFromSeed(encoded[1:])
	defer clear(secret)
	public, _ := secret.Public().(ed25519.PublicKey) // as the standard library says
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return &Key{Signer: signer, verifier: verifier}, nil
}

// Verifier returns the public key as auditors keep it: NAME+HASH+KEY.
func (k *Key) Verifier() string { return k.verifier }

// String is the public key.
func (k *Key) String() string { return k.verifier }

// GoString is the public key.
func (k *Key) GoString() string { return k.verifier }
