// Package contender runs the servers that are compared, each as a process of its
// own, and knows how each is asked for a certificate.
package contender

import "context"

// Contender is a running server. Its methods are called by one goroutine.
type Contender interface {
	// Name is what the tables call it.
	Name() string
	// Process is the server's process.
	Process() *Process
	// DeviceAddr is where it enrols and renews over TLS, host:port.
	DeviceAddr() string
	// StatusAddr is where it answers OCSP over plain HTTP; "" if it does not.
	StatusAddr() string
	// Enrolments returns a request, as it goes over the wire, for each identity, with
	// the secret that it needs. once asks for the connection to be closed after it.
	Enrolments(ctx context.Context, identities []Identity, once bool) ([][]byte, error)
	// Renewal returns the request, on a connection of its own, by which an enrolled
	// identity renews its certificate.
	Renewal(identity *Identity) ([]byte, error)
	// Certificate returns the certificate, DER, in the body of an answer to either.
	Certificate(body []byte) ([]byte, error)
	// Issuer is the certificate that signs what it issues, DER; for OCSP requests.
	Issuer() []byte
	// Settle returns once everything that was answered is covered by the server's
	// log, if it has one: the work is not done before. kind and n say what was
	// answered since the last call.
	Settle(ctx context.Context, kind Kind, n int) error
}

// Kind is a kind of operation.
type Kind string

// The kinds of operations.
const (
	Enrol Kind = "enrol"
	Renew Kind = "renew"
	OCSP  Kind = "ocsp"
)
