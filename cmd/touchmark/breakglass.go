package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/lab"
)

func newBreakGlass() *cobra.Command {
	command := group(&cobra.Command{
		Use:   "breakglass",
		Short: "The administrator's token for when nobody can sign in",
	})
	command.AddCommand(newBreakGlassInit(), newBreakGlassRotate())
	return command
}

func newBreakGlassInit() *cobra.Command {
	var path, out string
	command := &cobra.Command{
		Use:   "init",
		Short: "Make a new break-glass token while the server is stopped",
		Long: `Make a new break-glass token and write it to a file with mode 0600. The store keeps
its hash alone; the token before it is void. A server whose store is a file must be
stopped: this is for its first start, and for a token that was lost.`,
		Example: "  touchmark breakglass init --config site/touchmark.yaml --out admin.token",
		Args:    takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			if out == "" {
				return wrong(command, "--out is missing: the file to write the token to")
			}
			settings, _, err := config.Load(path)
			if err != nil {
				return err
			}
			if err := lab.MakeAdmin(command.Context(), settings.Store, out, time.Now()); err != nil {
				return err
			}
			command.Printf("the new token is in %s; the old one is void\n", out)
			return nil
		},
	}
	configFlag(command, &path)
	command.Flags().StringVar(&out, "out", "", "the `FILE` to write the token to; it is replaced")
	return command
}
