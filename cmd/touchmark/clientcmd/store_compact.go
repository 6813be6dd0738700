package clientcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) storeCompact() *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Have a running server's store give back the room that it does not use",
		Long: `Has the server write its store anew without the room that was left by what was
deleted, while it goes on working, and returns when that is done. On the server's
disk there must be room for a second copy meanwhile. Interrupting the command ends
it, and the store stays as it was.

A file grows again with what comes, and uses its free room first: compact it after
much was archived, not regularly. A server on PostgreSQL refuses (exit code 5):
the database gives back room by itself.`,
		Example: `  touchmark store compact`,
		Args:    a.Takes(),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			done, err := c.CompactStore(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, a, done, func(w io.Writer, s resource.Compaction) error {
				_, err := fmt.Fprintf(w, "The store had %d bytes and has %d.\n", s.BytesBefore, s.BytesAfter)
				return err
			})
		}),
	}
}
