package issuers

import (
	"context"
	"crypto"
	"log/slog"

	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
)

// Keys are issuing keys that are open. They are for one goroutine at a time.
type Keys struct {
	byURI map[string]crypto.Signer
	ring  *keys.Keyring // that the process opens keys by; nil until it has to
}

// Of returns the folder that a configuration names, whose keys are opened by one ring,
// whatever the passphrase is now.
func (k *Keys) Of(s *config.Settings, log *slog.Logger) Folder {
	f := Folder{Dir: s.IssuerDir, Anchor: s.Anchor}
	if k.ring == nil {
		k.ring = Of(s, log).Keys
	}
	f.Keys = k.ring.With(s.Passphrase)
	return f
}

// NewKeys returns none.
func NewKeys() *Keys { return &Keys{byURI: map[string]crypto.Signer{}} }

// Close gives back what the keys hold in tokens, TPMs and KMSs. None of them signs
// afterwards.
func (k *Keys) Close() {
	if k.ring != nil {
		k.ring.Close()
	}
}

// key returns the key of an issuer, opened where it is not open or is another than
// its certificate's: whoever made an issuer anew made its key where the old one was.
func (k *Keys) key(ctx context.Context, f Folder, entry Entry) (crypto.Signer, error) {
	uri, err := f.keyURI(entry.Name)
	if err != nil {
		return nil, err
	}
	if signer, open := k.byURI[uri]; open && holds(entry.Chain[:1], signer.Public()) {
		return signer, nil
	}
	signer, err := f.openLater(ctx, entry)
	if err == nil {
		k.byURI[uri] = signer
	}
	return signer, err
}
