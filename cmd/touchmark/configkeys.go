package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
)

func newConfigKeys() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "keys",
		Short: "List the configuration's keys, and which of them need a restart",
		Long: `List every key of the configuration, and when a change of it takes effect: at a
reload (kill -HUP, systemctl reload), or at a restart alone. What a key names, such
as a file with certificates, takes effect as the key does.`,
		Example: "  touchmark config keys",
		Args:    takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(command, config.Keys())
			}
			table := tabwriter.NewWriter(command.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "KEY\tTAKES EFFECT AT")
			for _, key := range config.Keys() {
				fmt.Fprintf(table, "%s\t%s\n", key.Path, key.Effect)
			}
			return table.Flush()
		},
	}
	jsonFlag(command, &asJSON)
	return command
}
