package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ErrSignInAgain is wrapped when the provider will not have this sign-in or this
// refresh token: only the person can help, by signing in again.
var ErrSignInAgain = errors.New("sign in again")

// LoginConfig says where and as which client a person signs in.
type LoginConfig struct {
	// Issuer is the provider, by the rules of ProviderConfig.Issuer.
	Issuer string
	// ClientID is a public client that may use the device authorization grant.
	ClientID string
	// Audience and Resource ask for an access token for the server, each as some
	// providers want it: as the parameter audience, or as resource (RFC 8707), a
	// URI. Empty ones are not sent.
	Audience, Resource string
	// Scopes are openid and offline_access by default.
	Scopes []string
	// Prompt tells the person to open uri and enter code there, or to open
	// complete, which is empty where the provider has none.
	Prompt func(uri, complete, code string)
	// HTTPClient asks the provider; by default one that waits 10 seconds.
	HTTPClient *http.Client
}

// Token is what a person gets by signing in. It is a secret and prints as such;
// its JSON is for the file where it is kept.
type Token struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token,omitempty"`
	ID      string    `json:"id_token,omitempty"`
	Expiry  time.Time `json:"expiry,omitzero"` // of Access; zero where it is not told
}

// String hides the token.
func (Token) String() string { return "REDACTED" }

// GoString hides the token.
func (Token) GoString() string { return "REDACTED" }

// Login signs a person in with a browser anywhere, by the device authorization
// grant (RFC 8628): it prompts, then waits until the person is done, the code has
// expired or ctx ends.
func Login(ctx context.Context, c LoginConfig) (Token, error) {
	if c.ClientID == "" || c.Prompt == nil {
		return Token{}, errors.New("sign in: a client id and a way to prompt are needed")
	}
	ctx, client, err := c.discover(ctx)
	if err != nil {
		return Token{}, err
	}
	if client.Endpoint.DeviceAuthURL == "" {
		return Token{}, fmt.Errorf("sign in: %s does not offer the device authorization grant (RFC 8628); enable it there", c.Issuer)
	}
	code, err := client.DeviceAuth(ctx, c.options()...)
	if err != nil {
		return Token{}, signInError(err)
	}
	if code.DeviceCode == "" || code.UserCode == "" || code.VerificationURI == "" {
		return Token{}, fmt.Errorf("sign in: %s sent an incomplete device authorization response", c.Issuer)
	}
	// The interval is the provider's word; a ticker takes no other numbers.
	code.Interval = min(max(code.Interval, 0), 60)
	c.Prompt(code.VerificationURI, code.VerificationURIComplete, code.UserCode)
	token, err := client.DeviceAccessToken(ctx, code, c.options()...)
	if errors.Is(err, context.DeadlineExceeded) {
		return Token{}, fmt.Errorf("sign in: the code expired before it was used: %w", ErrSignInAgain)
	}
	if err != nil {
		return Token{}, signInError(err)
	}
	return keep(token, ""), nil
}

// Refresh exchanges a refresh token for a new access token. The refresh token in
// the answer replaces the old one. Prompt is not used.
func Refresh(ctx context.Context, c LoginConfig, refresh string) (Token, error) {
	if refresh == "" {
		return Token{}, fmt.Errorf("there is no refresh token: %w", ErrSignInAgain)
	}
	ctx, client, err := c.discover(ctx)
	if err != nil {
		return Token{}, err
	}
	token, err := client.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return Token{}, signInError(err)
	}
	return keep(token, refresh), nil
}

// discover finds the provider's endpoints. The context that it returns carries
// the HTTP client, which is how oauth2 wants it.
func (c LoginConfig) discover(ctx context.Context) (context.Context, *oauth2.Config, error) {
	if err := checkIssuer(c.Issuer); err != nil {
		return nil, nil, fmt.Errorf("sign in: issuer %w", err)
	}
	ctx = gooidc.ClientContext(ctx, carefulClient(c.HTTPClient, c.Issuer))
	provider, err := gooidc.NewProvider(ctx, c.Issuer)
	if err != nil {
		return nil, nil, fmt.Errorf("sign in: ask the provider where to: %w", err)
	}
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{gooidc.ScopeOpenID, gooidc.ScopeOfflineAccess}
	}
	endpoint := provider.Endpoint()
	// A public client has no secret: its id goes into the form.
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return ctx, &oauth2.Config{ClientID: c.ClientID, Endpoint: endpoint, Scopes: scopes}, nil
}

func (c LoginConfig) options() []oauth2.AuthCodeOption {
	var options []oauth2.AuthCodeOption
	if c.Audience != "" {
		options = append(options, oauth2.SetAuthURLParam("audience", c.Audience))
	}
	if c.Resource != "" {
		options = append(options, oauth2.SetAuthURLParam("resource", c.Resource))
	}
	return options
}

func keep(t *oauth2.Token, oldRefresh string) Token {
	kept := Token{Access: t.AccessToken, Refresh: t.RefreshToken, Expiry: t.Expiry}
	if kept.Refresh == "" {
		kept.Refresh = oldRefresh
	}
	kept.ID, _ = t.Extra("id_token").(string)
	return kept
}

// signInError says what the provider said, in its words (RFC 6749, section 5.2;
// RFC 8628, section 3.5), and never the body, which may hold secrets.
func signInError(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return fmt.Errorf("sign in: %w", err)
	}
	switch answer.ErrorCode {
	case "access_denied":
		return fmt.Errorf("sign in: the provider or the person said no: %w", ErrSignInAgain)
	case "expired_token":
		return fmt.Errorf("sign in: the code expired before it was used: %w", ErrSignInAgain)
	case "invalid_grant":
		return fmt.Errorf("the sign-in has ended: %w", ErrSignInAgain)
	case "":
		return fmt.Errorf("sign in: the provider answered %s", answer.Response.Status)
	default:
		return fmt.Errorf("sign in: the provider answered %s: %.200q", answer.ErrorCode, answer.ErrorDescription)
	}
}
