package clientcmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
)

// restored is what restore tells with --json.
type restored struct {
	Store    string  `json:"store"`
	Replaced *string `json:"replaced"` // where the store that was there is now; null for none
}

func (a *app) restore() *cobra.Command {
	var configuration string
	var force bool
	cmd := &cobra.Command{
		Use:   "restore --config FILE BACKUP",
		Short: "Put a backup in the place of the store, with the server stopped",
		Long: `Checks a backup, and only then puts it where the configuration has the store. The
server must be stopped. A store that is there is left alone, unless --force is
given: then it is kept beside, under another name.

Checked are the pages of the file, every row and its place in the indexes, every
record of the audit log against its Merkle tree, and every certificate: its serial
number, its public key and its issuer's signature; that the keys and orders which
devices name are there; and that a server was set up on it. That the backup is the
newest is not: compare it with a checkpoint of the log.

What happened after the backup is forgotten: certificates issued since are unknown
to OCSP, revocations since must be repeated, and a checkpoint of the audit log
taken since will not be met. Compare with an audit export, if there is one.`,
		Example: `  touchmark restore --config site/touchmark.yaml /backup/touchmark-2027-01-31.db`,
		Args:    a.Takes("BACKUP"),
	}
	cmd.Flags().StringVarP(&configuration, "config", "c", "touchmark.yaml", "the configuration `FILE`")
	cmd.Flags().BoolVar(&force, "force", false, "replace the store that is there, and keep it beside")
	cmd.Flags().BoolVar(&a.asJSON, "json", false, "print JSON")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // the flag is there
	}
	cmd.RunE = a.does(func(cmd *cobra.Command, args []string) error {
		settings, _, err := config.Load(configuration)
		if err != nil {
			return err
		}
		path, err := store.FilePath(settings.Store)
		if err != nil {
			return refuse(enroll.WrongState, "the store of %s is no file; restore a database with its own means, such as pg_restore", configuration)
		}
		done, err := a.putBack(cmd, args[0], path, force)
		if err != nil {
			return err
		}
		return show(cmd, a, done, tellRestored)
	})
	return cmd
}

// putBack copies the backup beside the store, checks the copy and gives it the
// store's place.
func (a *app) putBack(cmd *cobra.Command, backup, path string, force bool) (restored, error) {
	done := restored{Store: path}
	path, err := followed(path)
	if err != nil {
		return done, fmt.Errorf("the store %s: %w", path, err)
	}
	if there, err := exists(path); err != nil || there && !force {
		return done, errors.Join(err, refuseStore(path))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	file, err := stage(path)
	if err != nil {
		return done, err
	}
	defer file.discard()
	if err := a.copyFrom(cmd, backup, file); err != nil {
		return done, err
	}
	if err := file.verify(); err != nil {
		return done, fmt.Errorf("%s is not a whole backup, nothing was changed: %w", backup, err)
	}
	if err := file.verifyInstalled(); err != nil {
		return done, fmt.Errorf("%s is no backup that a server could start on, nothing was changed: %w", backup, err)
	}
	if !force {
		err := file.create()
		if errors.Is(err, fs.ErrExist) {
			return done, refuseStore(path) // one was made meanwhile
		}
		return done, err
	}
	done.Replaced, err = a.exchange(file, path)
	return done, err
}

func refuseStore(path string) error {
	return refuse(enroll.Conflict, "there is a store at %s, and nothing was changed; with --force it is replaced, and kept beside", path)
}

func (a *app) copyFrom(cmd *cobra.Command, backup string, file *staged) error {
	from, err := os.Open(backup) // #nosec G304 -- named by whoever runs the command
	if err != nil {
		return fmt.Errorf("the backup: %w", err)
	}
	defer from.Close()
	copied := a.progress(cmd, bytesUnit)
	defer copied.end()
	if _, err := io.Copy(io.MultiWriter(file, copied), from); err != nil {
		return fmt.Errorf("copy the backup: %w", err)
	}
	return file.Sync()
}

// exchange puts file where the old store is, which it keeps under the name that
// it returns. No server can have the old one open meanwhile.
func (a *app) exchange(file *staged, path string) (aside *string, err error) {
	old, err := hold(path, lock)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return nil, file.create()
	}
	defer old.Close()
	name := path + ".replaced-" + a.Clock().UTC().Format("20060102T150405.000Z")
	if err := os.Link(path, name); err != nil {
		return nil, fmt.Errorf("keep the store that is there: %w", err)
	}
	return &name, file.place(os.Rename) // which the lock on the old one is kept for
}

func tellRestored(w io.Writer, r restored) error {
	if r.Replaced != nil {
		if _, err := fmt.Fprintf(w, "The store that was there is kept as %s; remove it when it is not needed.\n", *r.Replaced); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "The store is restored to %s. Start the server: touchmark serve\n", r.Store)
	return err
}
