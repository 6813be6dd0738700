package clientcmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/oidc"
)

func (a *app) login() *cobra.Command {
	asked := signIn{}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in as yourself with the organisation's OpenID Connect provider",
		Long: `Signs you in by the device authorization grant (RFC 8628): open the address that is
shown in any browser, on any machine, and enter the code. The token is kept in a
file that only you can read, for this server, and renews itself as long as the
provider lets it. Other commands use it where no --token-file is given.

--issuer says which provider, and --client-id which public client there may use the
grant; your administrator knows them. Some providers want to be told what the token
is for: --audience, or --resource (RFC 8707). All of it is remembered for the next
time.`,
		Example: `  touchmark login --issuer https://login.example.com/realm --resource urn:touchmark:api
  touchmark login`,
		Args: a.Takes(),
	}
	flags := cmd.Flags()
	flags.StringVar(&asked.Issuer, "issuer", a.Getenv("TOUCHMARK_OIDC_ISSUER"), "the provider's issuer `URL` ($TOUCHMARK_OIDC_ISSUER)")
	flags.StringVar(&asked.ClientID, "client-id", a.Getenv("TOUCHMARK_OIDC_CLIENT_ID"), "the public client to sign in with; touchmark-cli where none was used before ($TOUCHMARK_OIDC_CLIENT_ID)")
	flags.StringVar(&asked.Audience, "audience", a.Getenv("TOUCHMARK_OIDC_AUDIENCE"), "ask for a token for this audience ($TOUCHMARK_OIDC_AUDIENCE)")
	flags.StringVar(&asked.Resource, "resource", a.Getenv("TOUCHMARK_OIDC_RESOURCE"), "ask for a token for this resource, a `URI` ($TOUCHMARK_OIDC_RESOURCE)")
	flags.StringSliceVar(&asked.Scopes, "scopes", nil, "scopes to ask for (default openid,offline_access)")
	for _, flag := range []string{"issuer", "client-id", "audience", "resource", "scopes"} {
		complete(cmd, flag, nil)
	}
	cmd.RunE = a.does(func(cmd *cobra.Command, _ []string) error {
		asked, err := a.completed(asked)
		if err != nil {
			return err
		}
		config, err := a.loginConfig(asked)
		if err != nil {
			return err
		}
		config.Prompt = prompt(cmd.ErrOrStderr())
		if asked.Token, err = oidc.Login(cmd.Context(), config); err != nil {
			return err
		}
		if err := a.replaceSignIn(cmd.Context(), asked); err != nil {
			return err
		}
		if a.tokenFile != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "The token in %s goes first; unset TOUCHMARK_TOKEN_FILE to be yourself.\n", a.tokenFile)
		}
		return a.greet(cmd, asked)
	})
	return cmd
}

// defaultClientID is what the public client of the command line is called where
// nobody said otherwise.
const defaultClientID = "touchmark-cli"

// completed fills in from the last time what was not asked for.
func (a *app) completed(asked signIn) (signIn, error) {
	last, err := a.readSignIn()
	if err == nil && (asked.Issuer == "" || asked.Issuer == last.Issuer) {
		asked.Issuer = last.Issuer
		asked.ClientID = cmp.Or(asked.ClientID, last.ClientID)
		asked.Audience = cmp.Or(asked.Audience, last.Audience)
		asked.Resource = cmp.Or(asked.Resource, last.Resource)
		if len(asked.Scopes) == 0 {
			asked.Scopes = slices.Clone(last.Scopes)
		}
	}
	asked.Server = a.server
	asked.ClientID = cmp.Or(asked.ClientID, defaultClientID)
	if asked.Issuer == "" {
		return asked, wrongUse("--issuer is missing: the URL of the organisation's OpenID Connect provider; it is remembered for the next time")
	}
	return asked, nil
}

// prompt asks the person to open a browser. It stays clear of standard output,
// which may be read by a program.
func prompt(w io.Writer) func(uri, complete, code string) {
	return func(uri, complete, code string) {
		fmt.Fprintf(w, "Open %s and enter the code %s\n", harmless(uri), harmless(code))
		if complete != "" {
			fmt.Fprintf(w, "or open %s\n", harmless(complete))
		}
	}
}

// greet shows who the server takes the person for.
func (a *app) greet(cmd *cobra.Command, s signIn) error {
	c, err := a.connect(func(context.Context) (string, error) { return s.Token.Access, nil })
	if err != nil {
		return err
	}
	caller, err := c.Whoami(cmd.Context())
	if err != nil {
		return fmt.Errorf("you are signed in with %s, but the server: %w", s.Issuer, err)
	}
	return show(cmd, a, caller, tellCaller)
}
