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

// keepSignIn writes the sign-in, 0600 in a folder of 0700.
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

// refresh returns s with an access token that is good for a while.
func (a *app) refresh(ctx context.Context, s signIn) (signIn, error) {
	if s.Token.Expiry.IsZero() || a.Clock().Add(freshFor).Before(s.Token.Expiry) {
		return s, nil
	}
	config, err := a.loginConfig(s)
	if err != nil {
		return s, err
	}
	used := s.Token.Refresh
	s.Token, err = oidc.Refresh(ctx, config, used)
	if errors.Is(err, oidc.ErrSignInAgain) {
		// Another command may have used up the refresh token just now.
		if now, readErr := a.readSignIn(); readErr == nil && now.Token.Refresh != used {
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
