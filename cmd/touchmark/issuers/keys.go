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
	rings []*keys.Keyring // that the process opens keys by, the last one now
	pass  keys.Passphrase // of the last one
}

// Of returns the folder that a configuration names, whose keys are opened by the
// same drivers, whatever the passphrase is now.
func (k *Keys) Of(s *config.Settings, log *slog.Logger) Folder {
	switch last := len(k.rings) - 1; {
	case last < 0:
		k.rings = append(k.rings, Of(s, log).Keys)
	case k.pass != s.Passphrase:
		k.rings = append(k.rings, k.rings[last].With(s.Passphrase))
	}
	k.pass = s.Passphrase
	return Folder{Dir: s.IssuerDir, Anchor: s.Anchor, Keys: k.rings[len(k.rings)-1]}
}

// Close ends the sessions of all keys that are outside this process.
func (k *Keys) Close() {
	for _, ring := range k.rings {
		ring.Close()
	}
}

// NewKeys returns none.
func NewKeys() *Keys { return &Keys{byURI: map[string]crypto.Signer{}} }

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
