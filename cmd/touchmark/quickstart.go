package main

import (
	"net/url"
	"path"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/lab"
	"github.com/touchmark/touchmark/store"
)

func newQuickstart() *cobra.Command {
	var o lab.Options
	var asJSON bool
	command := &cobra.Command{
		Use:   "quickstart DIR",
		Short: "Write a ready lab: root, issuing CA, token and configuration",
		Long: `Write a ready lab into DIR: a corporate root of its own, an issuing CA that it
signed, a break-glass administrator's token, and a configuration to serve.

With --anchor the root is one that exists: no root key is made, and the issuing CA
has to be signed by its corporate PKI first, with touchmark ca request and
touchmark ca install.

A DIR that holds a lab already is left as it is (exit code 5), and so is a store
that another lab uses.`,
		Example: `  touchmark quickstart lab
  touchmark quickstart lab --oidc-issuer https://login.example.com/realm --oidc-audience touchmark
  touchmark quickstart site --anchor corporate-root.crt --parent-crl corporate-root.crl
  touchmark quickstart lab --store postgres://touchmark@db.example.com/touchmark`,
		Args: takes("DIR"),
		RunE: func(command *cobra.Command, args []string) error {
			if (o.OIDCIssuer == "") != (o.OIDCAudience == "") {
				return wrong(command, "--oidc-issuer and --oidc-audience go together")
			}
			if o.ParentCRL != "" && o.Anchor == "" {
				return wrong(command, "--parent-crl goes with --anchor: a root of the lab's own has its own CRL")
			}
			if err := checkStore(o.Store); err != nil {
				return wrong(command, "--store: %v", err)
			}
			o.Dir = args[0]
			made, err := lab.Write(command.Context(), o, time.Now())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(command, made)
			}
			tell(command, made)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.DeviceAddr, "device-addr", config.DefaultDeviceAddr, "where devices and stations connect")
	flags.StringVar(&o.APIAddr, "api-addr", config.DefaultAPIAddr, "where people and programs connect")
	flags.StringVar(&o.StatusAddr, "status-addr", config.DefaultStatusAddr, "where CRLs and OCSP are served")
	flags.StringVar(&o.MetricsAddr, "metrics-addr", config.DefaultMetricsAddr, "where Prometheus asks")
	flags.StringVar(&o.PublicURL, "public-url", "", "what CRL and OCSP addresses in certificates begin with (default: this machine's)")
	flags.StringVar(&o.Store, "store", "bolt:data/touchmark.db", "where everything is kept")
	flags.StringVar(&o.OIDCIssuer, "oidc-issuer", "", "the OpenID Connect provider's issuer `URL`")
	flags.StringVar(&o.OIDCAudience, "oidc-audience", "", "the aud of its access tokens for Touchmark")
	flags.StringVar(&o.Anchor, "anchor", "", "a corporate root that exists: its certificate, a PEM `FILE`")
	flags.StringVar(&o.ParentCRL, "parent-crl", "", "that root's CRL, a `FILE`")
	jsonFlag(command, &asJSON)
	_ = command.MarkFlagFilename("anchor")
	_ = command.MarkFlagFilename("parent-crl")
	return command
}

// checkStore refuses a --store that names none. A relative path is the configuration's to
// make absolute.
func checkStore(named string) error {
	if named == "" {
		return nil // the usual one
	}
	if u, err := url.Parse(named); err == nil && u.Scheme == "bolt" && u.Opaque != "" {
		u.Path, u.Opaque = path.Join("/", u.Opaque), ""
		named = u.String()
	}
	return store.Check(named)
}

// tell says what was made and what comes next.
func tell(command *cobra.Command, made lab.Lab) {
	command.Printf(`Configuration          %s
Administrator's token  %s (break-glass: it may make every call; keep it)
Verifier of the log    %s

`, made.Config, made.AdminToken, made.LogVerifier)
	if made.Issuer == "" {
		command.Printf(`Next, have your corporate PKI sign the issuing CA:
  touchmark ca request --config %[1]s > issuing.csr
  touchmark ca install chain.pem --config %[1]s
and then:
  touchmark serve --config %[1]s
`, made.Config)
		return
	}
	command.Printf("Next:\n  touchmark serve --config %s\n", made.Config)
}
