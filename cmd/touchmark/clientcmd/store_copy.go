package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
	"github.com/touchmark/touchmark/store/archive"
	"github.com/touchmark/touchmark/store/transfer"
)

// twoStores are the flags of what works on two stores that nobody uses.
type twoStores struct {
	from, to, archive string
}

func (a *app) storeCopy() *cobra.Command {
	var flags twoStores
	cmd := &cobra.Command{
		Use:   "copy --from URL --to URL",
		Short: "Copy a whole store into another, of any kind, and compare them",
		Long: `Copies everything from one store into another, and then compares the two record by
record: every row, every record of the audit log byte for byte, and the roots of
its tree. Nobody may use either of them: stop every server that does.

The target is empty or holds a copy, or the beginning of one, of the same source;
anything else is left alone (exit code 5). A copy that was interrupted is taken up
by the same command, and one of last week is brought up to date, in the time that
reading takes. Until the comparison found no difference the target is marked as an
unfinished copy; start no server on it.

Where old records of the audit log stand in the archive, the target's tree is built
of them: name the archive's folder. What is archived stays there, and the server on
the new store needs the same archive.

Differences are named, and the exit code is 1.`,
		Example: `  touchmark store copy --from bolt:///srv/touchmark/data/touchmark.db --to postgres://touchmark@db/touchmark`,
		Args:    a.Takes(),
	}
	a.addTwoStores(cmd, &flags)
	cmd.RunE = a.does(func(cmd *cobra.Command, _ []string) error {
		return a.withStores(cmd, flags, "The target holds the whole store", transfer.Copy)
	})
	return cmd
}

func (a *app) storeCompare() *cobra.Command {
	var flags twoStores
	cmd := &cobra.Command{
		Use:   "compare --from URL --to URL",
		Short: "Compare two stores record by record",
		Long: `Compares two stores as touchmark store copy does at its end, and changes nothing.
Nobody may use either of them.

Differences are named, and the exit code is 1.`,
		Example: `  touchmark store compare --from bolt:///srv/touchmark/data/touchmark.db --to postgres://touchmark@db/touchmark`,
		Args:    a.Takes(),
	}
	a.addTwoStores(cmd, &flags)
	cmd.RunE = a.does(func(cmd *cobra.Command, _ []string) error {
		return a.withStores(cmd, flags, "The stores hold the same", transfer.Compare)
	})
	return cmd
}

func (a *app) addTwoStores(cmd *cobra.Command, flags *twoStores) {
	cmd.Flags().StringVar(&flags.from, "from", "", "the `URL` of the source")
	cmd.Flags().StringVar(&flags.to, "to", "", "the `URL` of the target")
	cmd.Flags().StringVar(&flags.archive, "archive", "", "the `FOLDER` of the archive, where records of the log are in one")
	cmd.Flags().BoolVar(&a.asJSON, "json", false, "print JSON")
	for _, flag := range []string{"from", "to"} {
		complete(cmd, flag, nil)
	}
	if err := cmd.MarkFlagDirname("archive"); err != nil {
		panic(err) // the flag is there
	}
	offerNoFiles(cmd)
}

// withStores opens both stores, has work done on them, and tells what came of it.
func (a *app) withStores(cmd *cobra.Command, flags twoStores, done string, work func(context.Context, transfer.Config) (transfer.Report, error)) (err error) {
	if err := a.needs(cmd, "from", "to"); err != nil {
		return err
	}
	if flags.from == flags.to {
		return a.Wrong(cmd, "--from and --to are the same store")
	}
	for _, name := range []string{"from", "to"} {
		if err := store.Check(cmd.Flag(name).Value.String()); err != nil {
			return a.Wrong(cmd, "--%s: %v", name, err)
		}
	}
	var c transfer.Config
	if c.From, err = openExisting(cmd.Context(), flags.from); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, c.From.Close()) }()
	if c.To, err = openUnused(cmd.Context(), flags.to); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, c.To.Close()) }()
	if flags.archive != "" {
		if c.Archive, err = openArchive(flags.archive); err != nil {
			return err
		}
	}
	told := a.stages(cmd)
	c.Progress = told.add
	report, err := work(cmd.Context(), c)
	told.end()
	if err != nil && !errors.Is(err, transfer.ErrDiffers) {
		return transferFault(err)
	}
	if failed := show(cmd, a, report, func(w io.Writer, r transfer.Report) error { return tellTransfer(w, r, done) }); failed != nil {
		return failed
	}
	return err
}

// transferFault gives an error the code that its exit code follows from.
func transferFault(err error) error {
	switch {
	case errors.Is(err, transfer.ErrTarget):
		return refuse(enroll.Conflict, "%w", err)
	case errors.Is(err, transfer.ErrInUse), errors.Is(err, transfer.ErrSource), errors.Is(err, transfer.ErrArchive):
		return refuse(enroll.WrongState, "%w", err)
	default:
		return err
	}
}

// openExisting opens a store that is there; a file that is not would be made.
func openExisting(ctx context.Context, url string) (enroll.Store, error) {
	if path, err := store.FilePath(url); err == nil {
		if there, err := exists(path); err != nil || !there {
			return nil, errors.Join(err, refuse(enroll.NotFound, "there is no file %s", path))
		}
	}
	return openUnused(ctx, url)
}

// openUnused opens a store unless a running server has it.
func openUnused(ctx context.Context, url string) (enroll.Store, error) {
	if path, err := store.FilePath(url); err == nil {
		if there, err := exists(path); err != nil {
			return nil, err
		} else if there {
			if err := checkUnused(path); err != nil {
				return nil, err
			}
		}
	}
	return store.Open(ctx, url, store.Options{})
}

// checkUnused makes sure that no process has a store's file.
func checkUnused(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := lock(file); err != nil {
		return refuse(enroll.WrongState, "%s is in use, most likely by touchmark serve: stop it first; nothing was changed", path)
	}
	return nil
}

// openArchive opens an archive that is there; a folder that is not would be made.
func openArchive(folder string) (enroll.Archive, error) {
	if there, err := exists(folder); err != nil || !there {
		return nil, errors.Join(err, refuse(enroll.NotFound, "there is no folder %s", folder))
	}
	return archive.Open(folder)
}

// tellTransfer writes a report for people.
func tellTransfer(w io.Writer, r transfer.Report, done string) error {
	for _, count := range r.Tables {
		if count.Source+count.Target+count.Removed == 0 {
			continue
		}
		fmt.Fprintf(w, "%12d %s", count.Source, count.What)
		if count.Written > 0 {
			fmt.Fprintf(w, ", %d written", count.Written)
		}
		if count.Removed > 0 {
			fmt.Fprintf(w, ", %d removed", count.Removed)
		}
		fmt.Fprintln(w)
	}
	for _, difference := range r.Differences {
		fmt.Fprintf(w, "DIFFERENT: %s\n", harmless(difference.String()))
	}
	if r.Different > 0 {
		_, err := fmt.Fprintf(w, "%d differences.\n", r.Different)
		return err
	}
	_, err := fmt.Fprintf(w, "%s, compared record by record; the log has %d records, root %s.\n", done, r.Log.Size, r.Log.Root)
	return err
}
