package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
)

func newCA() *cobra.Command {
	command := group(&cobra.Command{
		Use:   "ca",
		Short: "Anchor the issuing CA to the corporate root",
		Long: `The issuing CA signs devices' certificates; the corporate root signs the issuing
CA. Its key is made where it stays, a CSR goes to the corporate PKI, and the chain
that comes back is checked before anything is signed with it.

  touchmark ca request > issuing.csr
  touchmark ca install chain.pem

Do the same again when it nears its end: the old issuer goes on signing CRLs until
its last certificate has expired.`,
	})
	command.AddCommand(newCARequest(), newCAInstall(), newCAList(), newCARewrap())
	return command
}

// openFolder reads the configuration and returns its folder of issuers.
func openFolder(path string) (issuers.Folder, *config.Settings, error) {
	settings, _, err := config.Load(path)
	if err != nil {
		return issuers.Folder{}, nil, err
	}
	return issuers.Of(settings, nil), settings, nil
}

func newCARequest() *cobra.Command {
	var path, algorithm string
	var r issuers.Request
	command := &cobra.Command{
		Use:   "request",
		Short: "Make an issuing key and print its CSR",
		Long: `Make an issuing key where it will stay, and print the CSR for the corporate PKI on
standard output.

The key is an encrypted file below ca.dir, under the passphrase that the
configuration names, or wherever --key says: another file, or what the URI of an
HSM or a KMS names, where its driver is built in. It never leaves that place.`,
		Example: `  touchmark ca request --config site/touchmark.yaml > issuing.csr
  touchmark ca request --common-name "Example Corp Device CA 2" --organization "Example Corp" > issuing.csr
  touchmark ca request --algorithm RSA-4096 > issuing.csr`,
		Args: takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			var err error
			if r.Algorithm, err = keys.ParseAlgorithm(algorithm); err != nil {
				return fmt.Errorf("--algorithm: %w", err)
			}
			folder, _, err := openFolder(path)
			if err != nil {
				return err
			}
			defer folder.Keys.Close()
			name, csr, err := folder.Request(command.Context(), r)
			if err != nil {
				return err
			}
			fmt.Fprintf(command.ErrOrStderr(), "%s waits in %s. Have the corporate PKI sign the CSR as a CA with path length 0, then:\n  touchmark ca install chain.pem --config %s\n", name, folder.Dir, path)
			_, err = command.OutOrStdout().Write(csr)
			return err
		},
	}
	configFlag(command, &path)
	command.Flags().StringVar(&r.CommonName, "common-name", "Touchmark Issuing CA", "the issuing CA's common name")
	command.Flags().StringVar(&r.Organization, "organization", "", "the issuing CA's organization")
	command.Flags().StringVar(&algorithm, "algorithm", string(keys.P256), "the kind of key: P-256, P-384, Ed25519, RSA-3072 or RSA-4096")
	command.Flags().StringVar(&r.KeyURI, "key", "", "where to make the key: a path or a key `URI` (default: a file below ca.dir)")
	return command
}

func newCAInstall() *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:   "install CHAIN.pem",
		Short: "Check what the corporate PKI returned, and issue with it",
		Long: `Check the chain that the corporate PKI returned, the issuing CA's certificate
first, and have it issue once the server reads its folder again: at a reload (kill
-HUP, systemctl reload) or a start. The root may stand at its end.

Everything that is wrong with the chain is said at once, in words for the
corporate PKI; nothing is changed then. Installing the same again changes nothing.
CHAIN.pem may be - for standard input.`,
		Example: "  touchmark ca install chain.pem --config site/touchmark.yaml",
		Args:    takes("CHAIN.pem"),
		RunE: func(command *cobra.Command, args []string) error {
			folder, settings, err := openFolder(path)
			if err != nil {
				return err
			}
			defer folder.Keys.Close()
			chain, err := readChain(command, args[0])
			if err != nil {
				return err
			}
			name, err := folder.Install(command.Context(), chain, settings.ChainCheck(time.Now()))
			if err != nil {
				return fmt.Errorf("%s cannot be installed:\n%w", args[0], err)
			}
			command.Printf("%s issues from the next reload (SIGHUP) or start of the server on\n", name)
			return nil
		},
	}
	configFlag(command, &path)
	return command
}

// maxChainFile bounds what ca install reads, in octets.
const maxChainFile = 1 << 20

func readChain(command *cobra.Command, path string) ([]byte, error) {
	in := command.InOrStdin()
	if path != "-" {
		file, err := os.Open(path) // #nosec G304 -- named by whoever runs the command
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	chain, err := io.ReadAll(io.LimitReader(in, maxChainFile+1))
	if err == nil && len(chain) > maxChainFile {
		err = fmt.Errorf("%s: more than %d octets; it is no chain of certificates", path, maxChainFile)
	}
	return chain, err
}

// listedIssuer is an issuer as ca list prints it.
type listedIssuer struct {
	Name     string     `json:"name"`
	State    string     `json:"state"` // pending, issuing or kept
	Subject  string     `json:"subject,omitempty"`
	NotAfter *time.Time `json:"not_after,omitempty"`
}

func newCAList() *cobra.Command {
	var path string
	var asJSON bool
	command := &cobra.Command{
		Use:     "list",
		Short:   "List the issuing CAs",
		Long:    "List the issuing CAs: pending (the corporate PKI has not answered), issuing, or kept (for what it issued).",
		Example: "  touchmark ca list --config site/touchmark.yaml",
		Args:    takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			folder, _, err := openFolder(path)
			if err != nil {
				return err
			}
			defer folder.Keys.Close()
			entries, err := folder.List()
			if err != nil {
				return err
			}
			listed := []listedIssuer{}
			for _, entry := range entries {
				listed = append(listed, describe(entry))
			}
			if asJSON {
				return printJSON(command, listed)
			}
			table := tabwriter.NewWriter(command.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tSTATE\tNOT AFTER\tSUBJECT")
			for _, l := range listed {
				end := ""
				if l.NotAfter != nil {
					end = l.NotAfter.Format(time.RFC3339)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Name, l.State, end, l.Subject)
			}
			return table.Flush()
		},
	}
	configFlag(command, &path)
	jsonFlag(command, &asJSON)
	return command
}

func describe(entry issuers.Entry) listedIssuer {
	l := listedIssuer{Name: entry.Name, State: "kept"}
	switch {
	case entry.Pending():
		l.State = "pending"
		return l
	case entry.Issuing:
		l.State = "issuing"
	}
	end := entry.Chain[0].NotAfter
	l.Subject, l.NotAfter = entry.Chain[0].Subject.String(), &end
	return l
}
