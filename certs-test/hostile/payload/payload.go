// Package payload makes what attackers send: certificate requests, OCSP requests,
// JSON, texts and credentials that are wrong in one way each. The hostile table
// sends them to a server, and the fuzz targets of the parsers begin with them. It is
// imported by tests only.
package payload

// Payload is something to send, and what is wrong with it in a few words.
type Payload struct {
	Name  string
	Bytes []byte
}

// named is a Payload of text.
func named(name, text string) Payload { return Payload{Name: name, Bytes: []byte(text)} }

// must is for what cannot fail with the arguments that are written in this package.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
