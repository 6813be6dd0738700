package issuers

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/cmd/touchmark/durable"
)

// Unfit is why a chain cannot be used: everything that is wrong with it.
type Unfit []ca.Fault

// Error lists the faults, one a line.
func (u Unfit) Error() string {
	lines := make([]string, len(u))
	for i, fault := range u {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// ErrNoKey means that no issuer of the folder has the key that a chain is for.
var ErrNoKey = errors.New("none of the keys made by touchmark ca request belongs to this chain; is it the answer to another request, or for another folder?")

// Install finds the issuer whose key the chain (PEM, the issuing CA's certificate
// first) is for, checks the chain, and has that issuer issue. What the chain has
// to be good for is in check, whose Chain, Anchor and PublicKey are filled in
// here. The error is an Unfit for a chain with faults; nothing is changed then.
// Installing the same again changes nothing.
func (f Folder) Install(ctx context.Context, chain []byte, check ca.ChainCheck) (name string, err error) {
	check.Chain, err = ca.ParseCertificatesPEM(chain, MaxChain)
	if err != nil {
		return "", err
	}
	if check.Anchor, err = f.ReadAnchor(); err != nil {
		return "", err
	}
	name, key, err := f.ownerOf(ctx, check)
	if err != nil {
		return "", err
	}
	check.PublicKey = key
	if faults := ca.CheckChain(check); len(faults) > 0 {
		return "", Unfit(faults)
	}
	return name, f.activate(name, check)
}

// ownerOf finds the issuer whose key is in the chain. Where there is none but one
// pending request, the chain is judged against that: its faults say more than
// that no key was found.
func (f Folder) ownerOf(ctx context.Context, check ca.ChainCheck) (string, crypto.PublicKey, error) {
	entries, err := f.List()
	if err != nil {
		return "", nil, err
	}
	var pending string
	var pendingKey crypto.PublicKey
	var waiting int
	var unopened []error // they count only where no other key is the one
	for _, entry := range entries {
		signer, err := f.openKey(ctx, entry.Name)
		if err != nil {
			unopened = append(unopened, fmt.Errorf("issuer %s: %w", entry.Name, err))
			continue
		}
		if holds(check.Chain, signer.Public()) {
			return entry.Name, signer.Public(), nil
		}
		if entry.Pending() {
			pending, pendingKey = entry.Name, signer.Public()
			waiting++
		}
	}
	if waiting == 1 && len(unopened) == 0 {
		return pending, pendingKey, nil
	}
	return "", nil, errors.Join(append([]error{ErrNoKey}, unopened...)...)
}

// holds reports whether one of the certificates is for the key.
func holds(chain []*x509.Certificate, key crypto.PublicKey) bool {
	return slices.ContainsFunc(chain, func(certificate *x509.Certificate) bool {
		public, ok := certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && public.Equal(key)
	})
}

// activate writes the chain, and then, in one step, that its issuer issues.
func (f Folder) activate(name string, check ca.ChainCheck) error {
	var ders [][]byte
	for _, certificate := range check.Chain {
		ders = append(ders, certificate.Raw)
	}
	if last := check.Chain[len(check.Chain)-1]; !last.Equal(check.Anchor) {
		ders = append(ders, check.Anchor.Raw)
	}
	whole := ca.EncodeCertificatesPEM(ders...)
	for _, file := range []struct {
		path string
		text []byte
	}{
		{filepath.Join(f.Dir, name, chainFile), whole},
		{filepath.Join(f.Dir, pointerFile), []byte(name + "\n")},
		{filepath.Join(f.Dir, certFile), ca.EncodeCertificatesPEM(ders[0])},
		{filepath.Join(f.Dir, chainFile), whole},
	} {
		if err := durable.Replace(file.path, file.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
