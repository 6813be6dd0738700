package clientcmd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/enroll"
)

// defaultServer is where quickstart has the api listener.
const defaultServer = "https://localhost:9443"

// connection says which server a command talks to, and as whom. Each of its
// values is a flag, or else an environment variable.
type connection struct {
	server    string // URL of the api listener
	tokenFile string // holds a bearer token
	caFile    string // PEM; the CAs that the server is judged by
	asJSON    bool
}

func (c *connection) addFlags(command *cobra.Command, getenv func(string) string) {
	server := getenv("TOUCHMARK_SERVER")
	if server == "" {
		server = defaultServer
	}
	flags := command.PersistentFlags()
	flags.StringVar(&c.server, "server", server, "the server's `URL` ($TOUCHMARK_SERVER)")
	flags.StringVar(&c.tokenFile, "token-file", getenv("TOUCHMARK_TOKEN_FILE"), "the `FILE` with a bearer token; without it, whoever signed in with touchmark login ($TOUCHMARK_TOKEN_FILE)")
	flags.StringVar(&c.caFile, "ca", getenv("TOUCHMARK_CA"), "a PEM `FILE` with the root that the server must chain to, instead of the machine's ($TOUCHMARK_CA)")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
	for _, flag := range []string{"token-file", "ca"} {
		if err := command.MarkPersistentFlagFilename(flag); err != nil {
			panic(err) // the flag is there
		}
	}
	complete(command, "server", nil)
}

// Bounds of the files that a connection is made from, in bytes.
const (
	maxTokenFile = 64 << 10
	maxCAFile    = 1 << 20
)

// token returns the bearer token: that of --token-file, or else of whoever signed
// in to the server.
func (a *app) token(ctx context.Context) (string, error) {
	if a.tokenFile == "" {
		return a.signedIn(ctx)
	}
	text, err := readBounded(a.tokenFile, maxTokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", refuse(enroll.Unauthenticated, "%s does not hold a token: it is one line, such as quickstart's admin.token", a.tokenFile)
	}
	return token, nil
}

// signedIn returns the token that touchmark login keeps, fresh.
func (a *app) signedIn(ctx context.Context) (string, error) {
	kept, err := a.freshSignIn(ctx)
	return kept.Token.Access, err
}

// serverHost returns the host and port of the server.
func (a *app) serverHost() (string, error) {
	server, err := url.Parse(a.server)
	if err != nil || server.Scheme != "https" || server.Host == "" {
		return "", wrongUse("--server: %.100q is not an https URL such as %s", a.server, defaultServer)
	}
	return server.Host, nil
}

// signInFolder is where touchmark login keeps tokens, each for one server.
func (a *app) signInFolder() (string, error) {
	if folder := a.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(folder) {
		return filepath.Join(folder, "touchmark"), nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the sign-in: %w; use --token-file", err)
	}
	return filepath.Join(folder, "touchmark"), nil
}

// connect makes a client that calls as whoever token says.
func (a *app) connect(token func(context.Context) (string, error)) (*client.Client, error) {
	if _, err := a.serverHost(); err != nil {
		return nil, err
	}
	return client.New(client.Config{
		Server: a.server, Token: token, CAFile: a.caFile, UserAgent: "touchmark/" + a.Version,
	})
}

// providerTimeout bounds each request to an OpenID Connect provider.
const providerTimeout = 10 * time.Second

// providerClient asks OpenID Connect providers: those that the machine trusts,
// and those that the CAs of --ca vouch for.
func (a *app) providerClient() (*http.Client, error) {
	if a.caFile == "" {
		return &http.Client{Timeout: providerTimeout}, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without CAs of its own
	}
	extra, err := readBounded(a.caFile, maxCAFile)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	if !roots.AppendCertsFromPEM(extra) {
		return nil, fmt.Errorf("--ca: there is no certificate in %s; it is PEM", a.caFile)
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return &http.Client{Timeout: providerTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust}}, nil
}
