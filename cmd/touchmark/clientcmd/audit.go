package clientcmd

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

func (a *app) audit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "The audit log: list it, export it, checkpoint it, prove that nobody tampered with it",
		Long: `Everything that happens is a record in a Merkle log. A checkpoint, signed by the
server and kept where the server's operators cannot change it, proves later that
no record before it was changed, cut, added or swapped.`,
		Example: `  touchmark audit list --fleet /berlin --kind 'device.*' --from 2026-11-01
  touchmark audit checkpoint > checkpoint.txt     # keep it elsewhere
  touchmark audit export audit.jsonl
  touchmark audit verify --checkpoint checkpoint.txt --key log.vkey audit.jsonl`,
	}
	cmd.AddCommand(a.auditList(), a.auditExport(), a.auditCheckpoint(), a.auditVerify())
	return a.Group(cmd)
}

func (a *app) auditCheckpoint() *cobra.Command {
	return &cobra.Command{
		Use:   "checkpoint",
		Short: "Print a signed checkpoint of the log as it stands",
		Long: `Prints the signed checkpoint: the log's name, how many records it has, the root of
their tree, and the server's signature (C2SP tlog-checkpoint). Keep it elsewhere.
It is the same with --json: a signed note, byte for byte.`,
		Example: `  touchmark audit checkpoint > checkpoint-$(date +%F).txt`,
		Args:    a.Takes(),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			note, err := c.Checkpoint(cmd.Context())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(note)
			return err
		}),
	}
}

// exported is what audit export tells with --json.
type exported struct {
	File    string `json:"file"`
	Records int    `json:"records"`
}

func (a *app) auditExport() *cobra.Command {
	return &cobra.Command{
		Use:   "export FILE",
		Short: "Write the whole audit log to a file, one record a line",
		Long: `Writes the log as JSON Lines, oldest first, each record with the root of the tree
that ends with it; touchmark audit verify proves it, and needs all of it: to look for
something, use touchmark audit list. FILE is replaced once the export is whole; - is
the standard output.`,
		Example: `  touchmark audit export audit.jsonl
  touchmark audit export - | jq -r 'select(.kind == "device.revoked") | .device'`,
		Args: a.Takes("FILE"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if args[0] == "-" {
				_, err := a.exportTo(cmd, c, cmd.OutOrStdout())
				return err
			}
			file, err := stage(args[0])
			if err != nil {
				return err
			}
			defer file.discard()
			done := exported{File: args[0]}
			if done.Records, err = a.exportTo(cmd, c, file); err != nil {
				return err
			}
			if err := file.replace(); err != nil {
				return err
			}
			return show(cmd, a, done, func(w io.Writer, e exported) error {
				_, err := fmt.Fprintf(w, "%d records, the whole log, are in %s.\nProve it: touchmark audit verify --checkpoint CHECKPOINT %s\n", e.Records, e.File, e.File)
				return err
			})
		}),
	}
}

// exportTo writes the log to w, byte for byte, and returns how many records it
// wrote.
func (a *app) exportTo(cmd *cobra.Command, c *client.Client, w io.Writer) (int, error) {
	came := a.progress(cmd, "records")
	defer came.end()
	records := 0
	out := bufio.NewWriter(w)
	for line, err := range c.Audit(cmd.Context()) {
		if err != nil {
			return records, err
		}
		if !audit.HasRoot(line) {
			return records, errNotWhole()
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return records, fmt.Errorf("write the export: %w", err)
		}
		records++
		came.add(1)
	}
	if err := out.Flush(); err != nil {
		return records, fmt.Errorf("write the export: %w", err)
	}
	if records == 0 { // the first record of a log is older than anybody who can ask for it
		return 0, errNotWhole()
	}
	return records, nil
}

// errNotWhole is told to those who may read a part of the log.
func errNotWhole() error {
	return enroll.Refuse(enroll.Forbidden, "an export is of the whole log, and you may read a part of it: audit.read on the whole tree is needed; touchmark audit list shows what you may read")
}
