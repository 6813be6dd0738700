package issuers

import (
	"context"
	"fmt"

	"github.com/touchmark/touchmark/ca/keys"
)

// Rewrap encrypts the keys of all issuers that are files under another passphrase, and
// returns the names of those. Where it fails, those before are done, and to run it again
// does the others.
func (f Folder) Rewrap(ctx context.Context, next keys.Passphrase) (names []string, err error) {
	entries, err := f.List()
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		uri, err := f.keyURI(entry.Name)
		if err != nil {
			return names, fmt.Errorf("issuer %s: %w", entry.Name, err)
		}
		done, err := f.Keys.Rewrap(ctx, uri, next)
		if err != nil {
			return names, fmt.Errorf("issuer %s: %w", entry.Name, err)
		}
		if done {
			names = append(names, entry.Name)
		}
	}
	return names, nil
}
