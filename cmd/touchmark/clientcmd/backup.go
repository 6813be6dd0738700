package clientcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
)

// saved is what backup tells with --json.
type saved struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store of a running server to a file, and check the copy",
		Long: `Downloads a consistent copy of the server's store while it goes on working, checks
it as touchmark restore does, and only then puts it at FILE (0600), in the place of
what was there. A store that a server on this machine uses is no such place (exit
code 5).

The copy holds neither the issuing key nor the log's: back up the configuration's
folder too. A server on PostgreSQL refuses (exit code 5): it is backed up with the
database's own means, pg_basebackup or pg_dump.`,
		Example: `  touchmark backup /backup/touchmark-$(date +%F).db`,
		Args:    a.Takes("FILE"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			file, err := stage(args[0])
			if err != nil {
				return err
			}
			defer file.discard()
			done := saved{File: args[0]}
			if done.Bytes, err = a.download(cmd, c, file); err != nil {
				return err
			}
			if err := file.verify(); err != nil {
				return fmt.Errorf("the copy that came is not whole, and was thrown away: %w", err)
			}
			if err := file.replace(); err != nil {
				return err
			}
			return show(cmd, a, done, func(w io.Writer, s saved) error {
				_, err := fmt.Fprintf(w, "The store is in %s, %d bytes, checked.\nPut it back with the server stopped: touchmark restore --config touchmark.yaml %s\n", s.File, s.Bytes, s.File)
				return err
			})
		}),
	}
}

func (a *app) download(cmd *cobra.Command, c *client.Client, file *staged) (int64, error) {
	came := a.progress(cmd, bytesUnit)
	defer came.end()
	n, err := c.Backup(cmd.Context(), io.MultiWriter(file, came))
	if err != nil {
		return n, err
	}
	return n, file.Sync()
}
