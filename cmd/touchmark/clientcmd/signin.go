package clientcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/oidc"
)

// signIn is how a person is signed in to one server, as it is kept in a file that
// only they can read.
type signIn struct {
	Server   string     `json:"server"`
	Issuer   string     `json:"issuer"`
	ClientID string     `json:"client_id"`
	Audience string     `json:"audience,omitempty"`
	Resource string     `json:"resource,omitempty"`
	Scopes   []string   `json:"scopes,omitempty"`
	Token    oidc.Token `json:"token"`
}

// maxSignIn bounds the file, in bytes.
const maxSignIn = 256 << 10

// freshFor is how long an access token must still be good to be used.
const freshFor = 30 * time.Second

// signInFile is where the sign-in to the server is kept.
func (a *app) signInFile() (string, error) {
	folder, err := a.signInFolder()
	if err != nil {
		return "", err
	}
	host, err := a.serverHost()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, url.QueryEscape(host)+".json"), nil
}

// readSignIn returns the sign-in to the server; enroll.Unauthenticated where
// there is none.
func (a *app) readSignIn() (signIn, error) {
	path, err := a.signInFile()
	if err != nil {
		return signIn{}, err
	}
	text, err := readBounded(path, maxSignIn)
	if errors.Is(err, fs.ErrNotExist) {
		return signIn{}, refuse(enroll.Unauthenticated, "not signed in to %s: run touchmark login, or name the file with a token by --token-file", a.server)
	}
	if err != nil {
		return signIn{}, fmt.Errorf("the sign-in: %w", err)
	}
	var kept signIn
	if err := json.Unmarshal(text, &kept); err != nil {
		return signIn{}, fmt.Errorf("the sign-in in %s cannot be read; remove it and run touchmark login: %w", path, err)
	}
	return kept, nil
}

// keepSignIn writes the sign-in, 0600 in a folder of 0700. It is to be locked, or
// a refresh that began before could put back what was there.
func (a *app) keepSignIn(s signIn) error {
	path, err := a.signInFile()
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	file, err := stage(path)
	if err != nil {
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	if _, err := file.Write(append(text, '\n')); err != nil {
		file.discard()
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	return file.replace()
}

// fresh reports whether the access token will be good for a while.
func (a *app) fresh(s signIn) bool {
	return s.Token.Expiry.IsZero() || a.Clock().Add(freshFor).Before(s.Token.Expiry)
}

// freshSignIn returns the sign-in to the server with an access token that is good
// for a while. Of several commands at once one asks the provider, and the others
// have what it got: a refresh token is good once, and a provider that sees it twice
// takes it for stolen and ends the sign-in (RFC 9700, section 4.14.2).
func (a *app) freshSignIn(ctx context.Context) (signIn, error) {
	if kept, err := a.readSignIn(); err != nil || a.fresh(kept) {
		return kept, err
	}
	unlock, err := a.lockSignIn(ctx)
	if err != nil {
		return signIn{}, err
	}
	defer unlock()
	kept, err := a.readSignIn() // another command may have been here
	if err != nil || a.fresh(kept) {
		return kept, err
	}
	return a.refresh(ctx, kept)
}

// refresh exchanges the refresh token, and keeps what it gets. The sign-in is
// locked.
func (a *app) refresh(ctx context.Context, s signIn) (signIn, error) {
	config, err := a.loginConfig(s)
	if err != nil {
		return s, err
	}
	used := s.Token.Refresh
	s.Token, err = oidc.Refresh(ctx, config, used)
	if errors.Is(err, oidc.ErrSignInAgain) {
		// Where files cannot be locked another command may have been here meanwhile.
		if now, readErr := a.readSignIn(); readErr == nil && now.Token.Refresh != used && a.fresh(now) {
			return now, nil
		}
		return s, refuse(enroll.Unauthenticated, "the sign-in to %s has ended: run touchmark login again", a.server)
	}
	if err != nil {
		return s, err
	}
	return s, a.keepSignIn(s)
}

func (a *app) loginConfig(s signIn) (oidc.LoginConfig, error) {
	ask, err := a.providerClient()
	return oidc.LoginConfig{
		Issuer: s.Issuer, ClientID: s.ClientID, Audience: s.Audience, Resource: s.Resource, Scopes: s.Scopes, HTTPClient: ask,
	}, err
}
