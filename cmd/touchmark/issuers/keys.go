package issuers

import (
	"context"
	"crypto"
)

// Keys are issuing keys that are open. They are for one goroutine at a time.
type Keys struct{ byURI map[string]crypto.Signer }

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
	signer, err := f.openKey(ctx, entry.Name)
	if err == nil {
		k.byURI[uri] = signer
	}
	return signer, err
}
