package fleet

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/touchmark/touchmark/ca"
)

// Node is where one server listens, each as host:port.
type Node struct{ Device, API, Status, Metrics string }

// Site is a Touchmark as its clients know it: one server, or several on one
// store.
type Site struct {
	Nodes []Node
	// RootFile is the corporate root's certificate, PEM; Roots is the same.
	RootFile string
	Roots    *x509.CertPool
	// Issuer signs everything that devices get.
	Issuer *x509.Certificate
	// Token is the break-glass administrator's.
	Token string
	// LogKey verifies the log's checkpoints.
	LogKey note.Verifier
}

// ReadSite reads what touchmark quickstart wrote into a folder. At least one node
// is named.
func ReadSite(folder string, nodes ...Node) (*Site, error) {
	if len(nodes) == 0 {
		return nil, errors.New("a site has at least one node")
	}
	s := &Site{Nodes: nodes, RootFile: filepath.Join(folder, "pki", "corporate-root.crt"), Roots: x509.NewCertPool()}
	root, err := readCertificate(s.RootFile)
	if err != nil {
		return nil, err
	}
	s.Roots.AddCert(root)
	if s.Issuer, err = readCertificate(filepath.Join(folder, "pki", "issuing.crt")); err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(folder, "admin.token"))
	if err != nil {
		return nil, fmt.Errorf("the administrator's token: %w", err)
	}
	s.Token = strings.TrimSpace(string(token))
	key, err := os.ReadFile(filepath.Join(folder, "log.vkey"))
	if err != nil {
		return nil, fmt.Errorf("the log's public key: %w", err)
	}
	if s.LogKey, err = note.NewVerifier(strings.TrimSpace(string(key))); err != nil {
		return nil, fmt.Errorf("the log's public key: %w", err)
	}
	return s, nil
}

func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	certificates, err := ca.ParseCertificatesPEM(text, 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificates[0], nil
}
