package issuers

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
)

const (
	uriFile     = "key.uri"
	keyFile     = "issuing.key"
	requestFile = "request.csr"
	chainFile   = "chain.pem"
	pointerFile = "issuing.name"
	certFile    = "issuing.crt"
)

// MaxChain is how many certificates a chain may have, its anchor included.
const MaxChain = 10

// maxFile bounds the small files of the folder, in octets.
const maxFile = 1 << 20

// afterExpiry is how long an issuer is kept in use after its end: one CRL after
// the last certificate has expired, whatever a CRL's lifetime is.
const afterExpiry = 90 * 24 * time.Hour

// Folder is the folder of the issuers.
type Folder struct {
	Dir string
	// Anchor is the file with the corporate root's certificate, PEM.
	Anchor string
	// Keys makes and opens the issuing keys.
	Keys *keys.Keyring
}

// Of returns the folder that a configuration names. The log is told when a key
// outside this process goes away and comes back; it may be nil.
func Of(s *config.Settings, log *slog.Logger) Folder {
	return Folder{Dir: s.IssuerDir, Anchor: s.Anchor, Keys: keys.NewKeyring(keys.Config{Passphrase: s.Passphrase, Log: log})}
}

// Entry is one issuer of the folder.
type Entry struct {
	Name string
	// Chain is empty while the corporate PKI has not answered.
	Chain []*x509.Certificate
	// Issuing says that this is the one that issues.
	Issuing bool
}

// Pending reports whether the corporate PKI's answer is missing.
func (e Entry) Pending() bool { return len(e.Chain) == 0 }

// List returns the issuers by name.
func (f Folder) List() ([]Entry, error) {
	names, err := filepath.Glob(filepath.Join(f.Dir, "*", uriFile))
	if err != nil {
		return nil, fmt.Errorf("issuers: %w", err)
	}
	issuing, err := f.issuing()
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, path := range names {
		name := filepath.Base(filepath.Dir(path))
		chain, err := readChain(filepath.Join(f.Dir, name, chainFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("issuer %s: %w", name, err)
		}
		entries = append(entries, Entry{Name: name, Chain: chain, Issuing: name == issuing})
	}
	return entries, nil
}

// ErrNone means that no issuer was installed yet.
var ErrNone = errors.New("no issuing CA is installed; run touchmark ca request, have the corporate PKI sign what it prints, and run touchmark ca install with the chain it returns")

// Load opens every issuer that still counts at the time now, and returns the id
// of the one that issues. Addresses in certificates begin with publicURL.
func (f Folder) Load(ctx context.Context, publicURL string, now time.Time) (all []*ca.Issuer, issuing string, err error) {
	return f.LoadWith(ctx, publicURL, now, NewKeys())
}

// LoadWith is Load that opens only the keys that are not open yet: a running server
// reads its folder again while an HSM is away, and without another session of it.
func (f Folder) LoadWith(ctx context.Context, publicURL string, now time.Time, open *Keys) (all []*ca.Issuer, issuing string, err error) {
	anchor, err := f.ReadAnchor()
	if err != nil {
		return nil, "", err
	}
	entries, err := f.List()
	if err != nil {
		return nil, "", err
	}
	for _, entry := range entries {
		if entry.Pending() || entry.Chain[0].NotAfter.Add(afterExpiry).Before(now) && !entry.Issuing {
			continue
		}
		key, err := open.key(ctx, f, entry)
		if err != nil {
			return nil, "", fmt.Errorf("issuer %s: %w", entry.Name, err)
		}
		issuer, err := ca.NewIssuer(ca.IssuerConfig{Chain: entry.Chain, Anchor: anchor, Signer: key, PublicURL: publicURL})
		if err != nil {
			return nil, "", fmt.Errorf("issuer %s: %w", entry.Name, err)
		}
		all = append(all, issuer)
		if entry.Issuing {
			issuing = issuer.ID()
		}
	}
	if issuing == "" {
		return nil, "", ErrNone
	}
	return all, issuing, nil
}

// ReadAnchor reads the corporate root's certificate.
func (f Folder) ReadAnchor() (*x509.Certificate, error) {
	text, err := readFile(f.Anchor)
	if err != nil {
		return nil, fmt.Errorf("corporate root: %w", err)
	}
	certificates, err := ca.ParseCertificatesPEM(text, 1)
	if err != nil {
		return nil, fmt.Errorf("corporate root %s: %w", f.Anchor, err)
	}
	return certificates[0], nil
}

func (f Folder) openKey(ctx context.Context, name string) (crypto.Signer, error) {
	uri, err := f.keyURI(name)
	if err != nil {
		return nil, err
	}
	return f.Keys.Open(ctx, uri)
}

// openLater opens the key of an issuer whose certificate is there; a token that is
// away now is reached for when it is needed, for what is signed can be served
// without it.
func (f Folder) openLater(ctx context.Context, entry Entry) (crypto.Signer, error) {
	uri, err := f.keyURI(entry.Name)
	if err != nil {
		return nil, err
	}
	return f.Keys.OpenLater(ctx, uri, entry.Chain[0].PublicKey)
}

// keyURI returns where an issuer's key is.
func (f Folder) keyURI(name string) (string, error) {
	text, err := readFile(filepath.Join(f.Dir, name, uriFile))
	if err != nil {
		return "", err
	}
	uri := strings.TrimSpace(string(text))
	if uri == keyFile { // so that the folder can be moved
		uri = filepath.Join(f.Dir, name, keyFile)
	}
	return keys.InFolder(uri, filepath.Join(f.Dir, name)), nil
}

// issuing returns the name of the issuer that issues, or nothing.
func (f Folder) issuing() (string, error) {
	text, err := readFile(filepath.Join(f.Dir, pointerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("issuers: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func readChain(path string) ([]*x509.Certificate, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	chain, err := ca.ParseCertificatesPEM(text, MaxChain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return chain, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path) // #nosec G304 -- below the configured folder
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: more than %d octets", path, maxFile)
	}
	return text, err
}
