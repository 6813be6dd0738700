package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
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
anything else is left alone (exit code 5). A copy that is refused makes no file. One that was interrupted is taken up
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
		return a.withStores(cmd, flags, twoStoresWork{openTarget, transfer.Copy, "The target holds the whole store"})
	})
	return cmd
}

func (a *app) storeCompare() *cobra.Command {
	var flags twoStores
	cmd := &cobra.Command{
		Use:   "compare --from URL --to URL",
		Short: "Compare two stores record by record",
		Long: `Compares two stores as touchmark store copy does at its end, and changes nothing
that they hold. Nobody may use either of them.

A file that is not there is not made (exit code 4). What opening a store does is
done, as by a server that starts: an older schema is brought up to date, and a
database without tables gets them. In PostgreSQL the command also leads the nodes'
tasks while it runs, so that no server does.

Differences are named, and the exit code is 1.`,
		Example: `  touchmark store compare --from bolt:///srv/touchmark/data/touchmark.db --to postgres://touchmark@db/touchmark`,
		Args:    a.Takes(),
	}
	a.addTwoStores(cmd, &flags)
	cmd.RunE = a.does(func(cmd *cobra.Command, _ []string) error {
		return a.withStores(cmd, flags, twoStoresWork{openExisting, transfer.Compare, "The stores hold the same"})
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

// twoStoresWork is what is done with two stores.
type twoStoresWork struct {
	openTo func(ctx context.Context, url string) (enroll.Store, error)
	do     func(context.Context, transfer.Config) (transfer.Report, error)
	done   string // what is said where they are the same in the end
}

// withStores opens both stores, has work done on them, and tells what came of it.
func (a *app) withStores(cmd *cobra.Command, flags twoStores, w twoStoresWork) (err error) {
	if err := a.needs(cmd, "from", "to"); err != nil {
		return err
	}
	for _, name := range []string{"from", "to"} {
		url := cmd.Flag(name).Value.String()
		if url == "" {
			return a.Wrong(cmd, "--%s is empty", name)
		}
		if err := store.Check(url); err != nil {
			return a.Wrong(cmd, "--%s: %v", name, err)
		}
	}
	if sameStore(flags.from, flags.to) {
		return a.Wrong(cmd, "--from and --to are the same store")
	}
	var c transfer.Config
	if flags.archive != "" {
		if c.Archive, err = openArchive(flags.archive); err != nil {
			return err
		}
	}
	if c.From, err = openExisting(cmd.Context(), flags.from); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, c.From.Close()) }()
	if c.To, err = w.openTo(cmd.Context(), flags.to); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, c.To.Close()) }()
	told := a.stages(cmd)
	c.Progress = told.add
	report, err := w.do(cmd.Context(), c)
	told.end()
	if err != nil && !errors.Is(err, transfer.ErrDiffers) {
		return transferFault(err)
	}
	if failed := show(cmd, a, report, func(out io.Writer, r transfer.Report) error { return tellTransfer(out, r, w.done) }); failed != nil {
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
