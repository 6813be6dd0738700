package issuers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/cmd/touchmark/durable"
)

// maxIssuers bounds the issuers of a folder.
const maxIssuers = 1_000

// Request asks for a new issuing CA.
type Request struct {
	CommonName   string // such as "Example Corp Device CA 1"; required
	Organization string // may be empty
	// KeyURI is where the key is made, and stays; a file in the issuer's folder if
	// empty.
	KeyURI string
	// Algorithm is the key's kind; P-256 if empty.
	Algorithm keys.Algorithm
}

// Request makes a key where it will stay, and returns the new issuer's name and
// the CSR for the corporate PKI, in PEM.
func (f Folder) Request(ctx context.Context, r Request) (name string, csr []byte, err error) {
	name, err = f.newFolder()
	if err != nil {
		return "", nil, err
	}
	folder := filepath.Join(f.Dir, name)
	defer func() {
		if err != nil {
			_ = os.Remove(folder) // goes where nothing was made in it
		}
	}()
	written, uri := r.KeyURI, keys.InFolder(r.KeyURI, folder)
	if uri == "" {
		written, uri = keyFile, filepath.Join(folder, keyFile)
	}
	made, err := f.Keys.Create(ctx, uri, cmp.Or(r.Algorithm, keys.P256))
	if err != nil {
		return "", nil, fmt.Errorf("make the issuing key: %w", err)
	}
	if made.URI != uri { // a KMS names keys itself
		written = made.URI
	}
	csr, err = ca.NewCARequest(made.Signer, r.CommonName, r.Organization)
	if err != nil {
		return "", nil, err
	}
	if err := durable.Create(filepath.Join(folder, requestFile), csr, 0o644); err != nil {
		return "", nil, err
	}
	// With this file the issuer is there.
	if err := durable.Create(filepath.Join(folder, uriFile), []byte(written+"\n"), 0o600); err != nil {
		return "", nil, err
	}
	return name, csr, nil
}

// newFolder makes the first folder that is not there yet.
func (f Folder) newFolder() (string, error) {
	if err := os.MkdirAll(f.Dir, 0o755); err != nil { // #nosec G301 -- holds certificates for all to read
		return "", fmt.Errorf("issuers: %w", err)
	}
	for i := 1; i <= maxIssuers; i++ {
		name := fmt.Sprintf("issuer-%d", i)
		err := os.Mkdir(filepath.Join(f.Dir, name), 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("issuers: %w", err)
		}
		return name, nil
	}
	return "", fmt.Errorf("issuers: %s holds %d of them; remove those that have expired", f.Dir, maxIssuers)
}
