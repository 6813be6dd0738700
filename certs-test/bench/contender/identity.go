package contender

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"runtime"
	"sync"
)

// Identity is a device of the benchmark: its key, its CSR and, once it was
// enrolled, its certificate.
type Identity struct {
	// Serial is the device's serial number, unique in a run of the benchmark.
	Serial string
	// Key is the device's P-256 key.
	Key *ecdsa.PrivateKey
	// CSR is for Key, with the name Serial, in DER.
	CSR []byte
	// Certificate is the newest one, in DER; nil before the enrolment.
	Certificate []byte
}

// NewIdentities makes n devices whose serial numbers begin with prefix.
func NewIdentities(prefix string, n int) ([]Identity, error) {
	made := make([]Identity, n)
	faults := make([]error, runtime.GOMAXPROCS(0))
	var running sync.WaitGroup
	for worker := range faults {
		running.Go(func() {
			for i := worker; i < n && faults[worker] == nil; i += len(faults) {
				made[i], faults[worker] = newIdentity(fmt.Sprintf("%s-%d", prefix, i))
			}
		})
	}
	running.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

func newIdentity(serial string) (Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: serial}}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	return Identity{Serial: serial, Key: key, CSR: csr}, err
}

// TLS is the identity as a client shows it.
func (i *Identity) TLS() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{i.Certificate}, PrivateKey: i.Key}
}
