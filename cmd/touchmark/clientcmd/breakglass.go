package clientcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

// rotated is what breakglass rotate tells with --json and --out: not the token.
type rotated struct {
	Out string `json:"out"`
}

func (a *app) rotate() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "rotate --out FILE",
		Short: "Replace the break-glass token; the old one ends at once",
		Long: `Makes a new break-glass token and writes it to FILE, which only you can read
(0600). The old token ends at once, and FILE may be the one that has it. The server
keeps only a hash: the token is told here and never again. With --json and without
--out the answer, token and all, is printed.`,
		Example: `  touchmark breakglass rotate --token-file admin.token --out admin.token`,
		Args:    a.Takes(),
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the new token")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if out == "" && a.asJSON {
			token, err := c.RotateBreakGlass(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, a, resource.BreakGlass{Token: token}, nil)
		}
		if err := a.needs(cmd, "out"); err != nil {
			return err
		}
		if err := rotateInto(cmd, c, out); err != nil {
			return err
		}
		return show(cmd, a, rotated{Out: out}, func(w io.Writer, r rotated) error {
			_, err := fmt.Fprintf(w, "The new break-glass token is in %s; the old one has ended.\n", r.Out)
			return err
		})
	})
	return cmd
}

// rotateInto makes sure that the token can be written before the old one ends.
func rotateInto(cmd *cobra.Command, c *client.Client, path string) error {
	file, err := stage(path)
	if err != nil {
		return err
	}
	token, err := c.RotateBreakGlass(cmd.Context())
	if err != nil {
		file.discard()
		return err
	}
	if _, err := io.WriteString(file, token+"\n"); err != nil {
		file.discard()
		return fmt.Errorf("the old token has ended, and the new one could not be written: %w; rotate again as an administrator who signs in, or set a new token with the server stopped", err)
	}
	return file.replace()
}
