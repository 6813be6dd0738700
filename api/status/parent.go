package status

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxParentCRL bounds a parent CRL file, in octets.
const maxParentCRL = 32 << 20

// parentCRL is a file with one CRL or more, kept until it changes.
type parentCRL struct {
	path string

	mu      sync.Mutex // guards all below
	crls    [][]byte
	changed time.Time
	size    int64
}

func openParentCRL(path string) (*parentCRL, error) {
	p := &parentCRL{path: path}
	_, err := p.read()
	return p, err
}

// CheckParentCRL says what is wrong with a file for Config.ParentCRLs, or nil.
func CheckParentCRL(path string) error {
	_, err := openParentCRL(path)
	return err
}

// read returns the CRLs in the file, in DER. Where it cannot be read any more it
// returns those of before, and the error.
func (p *parentCRL) read() ([][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.path)
	if err != nil {
		return p.crls, fmt.Errorf("parent CRL: %w", err)
	}
	if p.crls != nil && info.ModTime().Equal(p.changed) && info.Size() == p.size {
		return p.crls, nil
	}
	content, err := readFile(p.path)
	if err != nil {
		return p.crls, fmt.Errorf("parent CRL: %w", err)
	}
	crls, err := parseCRLs(content)
	if err != nil {
		return p.crls, fmt.Errorf("parent CRL %s: %w", p.path, err)
	}
	p.crls, p.changed, p.size = crls, info.ModTime(), info.Size()
	return p.crls, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path) // #nosec G304 -- named in the configuration
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxParentCRL+1))
	if err == nil && len(content) > maxParentCRL {
		err = fmt.Errorf("%s: more than %d octets", path, maxParentCRL)
	}
	return content, err
}

// parseCRLs reads one CRL in DER, or all "X509 CRL" blocks of a PEM file.
func parseCRLs(content []byte) ([][]byte, error) {
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		if _, err := x509.ParseRevocationList(content); err != nil {
			return nil, fmt.Errorf("neither a CRL in DER nor PEM: %w", err)
		}
		return [][]byte{content}, nil
	}
	var crls [][]byte
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		if _, err := x509.ParseRevocationList(block.Bytes); err != nil {
			return nil, fmt.Errorf("its PEM block %d is no CRL: %w", len(crls)+1, err)
		}
		crls = append(crls, block.Bytes)
	}
	if len(crls) == 0 {
		return nil, fmt.Errorf("no PEM block of type \"X509 CRL\"")
	}
	return crls, nil
}
