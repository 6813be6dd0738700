package keys

import (
	"context"
	"crypto"
	"io"
)

// Token is what a driver opens.
type Token interface {
	crypto.Signer
	io.Closer
}

// NewRemote makes a Remote of whatever open opens.
func NewRemote(c Config, open func(context.Context) (Token, error)) *Remote {
	return newRemote(NewKeyring(c).config, "fake", func(ctx context.Context) (token, error) { return open(ctx) })
}

// Begin opens it for the first time.
func (r *Remote) Begin(ctx context.Context) error { return r.begin(ctx) }

// SchemeOf is for fuzzing: it reads key URIs, and opens nothing.
func SchemeOf(keyURI string) (string, error) { return NewKeyring(Config{}).schemeOf(keyURI) }
