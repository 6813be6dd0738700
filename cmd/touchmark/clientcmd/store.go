package clientcmd

import (
	"github.com/spf13/cobra"
)

// Store returns the commands for the store as a whole: one that talks to a running
// server, and those that work on stores that nobody uses.
func Store(s Shell) *cobra.Command {
	a := newApp(s)
	cmd := &cobra.Command{
		Use:   "store",
		Short: "The store: move it elsewhere, compare two, give back room",
		Long: `A store is named by its URL, as in the configuration:

  bolt:///var/lib/touchmark/touchmark.db   one file on this machine
  postgres://user@host/database            PostgreSQL`,
		Example: `  touchmark store copy --from bolt:///srv/touchmark/data/touchmark.db --to postgres://touchmark@db/touchmark
  touchmark store compare --from bolt:///srv/touchmark/data/touchmark.db --to postgres://touchmark@db/touchmark
  touchmark store compact`,
	}
	cmd.AddCommand(a.storeCopy(), a.storeCompare(), a.onServer(a.storeCompact())[0])
	return a.Group(cmd)
}
