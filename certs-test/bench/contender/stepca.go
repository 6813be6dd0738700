package contender

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/touchmark/touchmark/certs-test/bench/load"
)

// stepCA is step-ca with one JWK provisioner, everything else as `step ca init`
// leaves it, and without its request log.
type stepCA struct {
	name    string
	process *Process
	device  string
	issuer  []byte
	tokens  *tokenMaker
}

// StartStepCA sets up a CA in dir and runs program on it. kind is one of step-ca's
// databases (bbolt, badgerv2, postgresql) and source its data source; "" for a file
// or folder in dir.
func StartStepCA(ctx context.Context, name, program, dir, kind, source string) (Contender, error) {
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, err
	}
	s := &stepCA{name: name, device: addrs[0]}
	if s.issuer, err = makeCA(dir, time.Now()); err != nil {
		return nil, err
	}
	if s.tokens, err = newTokenMaker("https://" + s.device + "/1.0/sign"); err != nil {
		return nil, err
	}
	if source == "" {
		source = filepath.Join(dir, "db")
	}
	config, err := json.MarshalIndent(map[string]any{
		"root": filepath.Join(dir, "root.pem"), "crt": filepath.Join(dir, "issuing.pem"), "key": filepath.Join(dir, "issuing.key"),
		"address": s.device, "dnsNames": []string{"localhost", "127.0.0.1"},
		"db":        map[string]any{"type": kind, "dataSource": source, "database": "step"},
		"authority": map[string]any{"provisioners": []any{s.tokens.provisioner()}},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "ca.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return nil, err
	}
	if s.process, err = start(dir, "step-ca", program, path); err != nil {
		return nil, err
	}
	if err := s.process.ready(ctx, s.device); err != nil {
		return nil, errors.Join(err, s.process.Stop())
	}
	return s, nil
}

// makeCA writes a root and an issuing CA with P-256 keys, and returns the
// issuing certificate, DER.
func makeCA(dir string, now time.Time) ([]byte, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Bench root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(240 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	issuing := *root
	issuing.SerialNumber, issuing.Subject, issuing.MaxPathLenZero = big.NewInt(2), pkix.Name{CommonName: "Bench issuing CA"}, true
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, err
	}
	issuingDER, err := x509.CreateCertificate(rand.Reader, &issuing, root, &key.PublicKey, rootKey)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return issuingDER, errors.Join(
		writePEM(filepath.Join(dir, "root.pem"), "CERTIFICATE", rootDER),
		writePEM(filepath.Join(dir, "issuing.pem"), "CERTIFICATE", issuingDER),
		writePEM(filepath.Join(dir, "issuing.key"), "EC PRIVATE KEY", keyDER),
	)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func (s *stepCA) Name() string       { return s.name }
func (s *stepCA) Process() *Process  { return s.process }
func (s *stepCA) DeviceAddr() string { return s.device }
func (s *stepCA) StatusAddr() string { return "" } // step-ca answers no OCSP
func (s *stepCA) Issuer() []byte     { return s.issuer }

// Enrolments signs a one-time token for each identity.
func (s *stepCA) Enrolments(_ context.Context, identities []Identity, once bool) ([][]byte, error) {
	requests := make([][]byte, len(identities))
	for i := range identities {
		token, err := s.tokens.token(identities[i].Serial, time.Now())
		if err != nil {
			return nil, err
		}
		csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: identities[i].CSR})
		body, err := json.Marshal(map[string]string{"csr": string(csr), "ott": token})
		if err != nil {
			return nil, err
		}
		requests[i] = load.Post("/1.0/sign", body, once, "Content-Type: application/json")
	}
	return requests, nil
}

// Renewal needs no CSR: step-ca keeps the key.
func (s *stepCA) Renewal(*Identity) ([]byte, error) { return load.Post("/1.0/renew", nil, true), nil }

// Certificate returns the leaf of a SignResponse.
func (s *stepCA) Certificate(body []byte) ([]byte, error) {
	var answer struct{ Crt string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(answer.Crt))
	if block == nil {
		return nil, errors.New("step-ca's answer holds no certificate")
	}
	return block.Bytes, nil
}

func (s *stepCA) Settle(context.Context, Kind, int) error { return nil } // it keeps no log
