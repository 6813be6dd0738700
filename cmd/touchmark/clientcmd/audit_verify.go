package clientcmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/touchmark/touchmark/enroll/audit"
)

// proof is what audit verify tells with --json.
type proof struct {
	Log        string `json:"log"`
	Covered    uint64 `json:"covered"`
	NotCovered uint64 `json:"not_covered"`
	// Signed says that the checkpoint's signature was checked.
	Signed   bool      `json:"signature_verified"`
	Tampered *tampered `json:"tampered"` // null where nothing was
}

type tampered struct {
	Index uint64 `json:"index"`
	What  string `json:"what"`
}

func (a *app) auditVerify() *cobra.Command {
	var checkpoint, key string
	cmd := &cobra.Command{
		Use:   "verify --checkpoint CHECKPOINT FILE",
		Short: "Prove an export against a checkpoint that was kept elsewhere, offline",
		Long: `Rebuilds the log's tree from an export and holds it against a checkpoint that was
kept elsewhere. Nothing is asked of the server.

It ends with 0 where the export is what was logged. It ends with 1, and names the
first record by its index, from 0, where one was changed, cut, added or swapped.
Records after the checkpoint are checked for consistency, and counted as not yet
covered: whoever can write them anew is not found out by this checkpoint.

--key is the log's public key, as text or as the file that has it (log.vkey of
quickstart). With it the checkpoint's signature is checked too; without it the
checkpoint is worth as much as the place where it was kept. A key of before will do:
the export leads from each key that the log has had to the next, by that key's own
word. Where a key was stolen, give the one after it.`,
		Example: `  touchmark audit verify --checkpoint checkpoint.txt --key log.vkey audit.jsonl`,
		Args:    a.Takes("FILE"),
	}
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "file with the signed checkpoint")
	cmd.Flags().StringVar(&key, "key", "", "the log's public key, as text or as a file")
	cmd.RunE = a.does(func(cmd *cobra.Command, args []string) error {
		if err := a.needs(cmd, "checkpoint"); err != nil {
			return err
		}
		against, err := readCheckpoint(checkpoint, key)
		if err != nil {
			return err
		}
		found, err := a.prove(cmd, args[0], against)
		if errors.Is(err, audit.ErrCheckpoint) {
			err = fmt.Errorf("the checkpoint %s: %w", checkpoint, err)
		}
		if err != nil {
			return err
		}
		if a.asJSON {
			if err := show(cmd, a, found, nil); err != nil {
				return err
			}
		}
		if found.Tampered != nil {
			return fmt.Errorf("%s is not what was logged: record %d: %s", args[0], found.Tampered.Index, found.Tampered.What)
		}
		if a.asJSON {
			return nil
		}
		return tellProof(cmd, found)
	})
	return cmd
}

// prove reads the export; a finding is no error.
func (a *app) prove(cmd *cobra.Command, path string, against signedCheckpoint) (proof, error) {
	file, err := os.Open(path) // #nosec G304 -- named by whoever runs the command
	if err != nil {
		return proof{}, err
	}
	defer file.Close()
	read := a.progress(cmd, bytesUnit)
	defer read.end()
	checkpoint, report, err := audit.VerifySigned(io.TeeReader(file, read), against.text, against.key)
	found := proof{Log: checkpoint.Origin, Signed: checkpoint.Verified}
	var finding *audit.Tampered
	if errors.As(err, &finding) {
		found.Tampered = &tampered{Index: finding.Index, What: finding.What}
		return found, nil
	}
	found.Covered, found.NotCovered = report.Covered, report.NotCovered
	return found, err
}

func tellProof(cmd *cobra.Command, p proof) error {
	if !p.Signed {
		fmt.Fprintln(cmd.ErrOrStderr(), "The checkpoint's signature was not checked; give --key, the log's public key, to have it checked.")
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "The export is what was logged: %d records are as the checkpoint of %s has them.\n", p.Covered, p.Log)
	if err == nil && p.NotCovered > 0 {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d records after the checkpoint are consistent with them, and not yet covered: take a new checkpoint.\n", p.NotCovered)
	}
	return err
}

// signedCheckpoint is a checkpoint as it was kept, and the key to check it with; nil
// for none.
type signedCheckpoint struct {
	text []byte
	key  note.Verifier
}

// readCheckpoint reads the checkpoint, and the key where it is not empty.
func readCheckpoint(path, key string) (c signedCheckpoint, err error) {
	if key != "" {
		if c.key, err = readLogKey(key); err != nil {
			return c, err
		}
	}
	if c.text, err = readBounded(path, audit.MaxCheckpoint); err != nil {
		return c, fmt.Errorf("the checkpoint: %w", err)
	}
	return c, nil
}

// maxLogKey bounds the text of a public key, in bytes: a name of 255, a hash and
// a key.
const maxLogKey = 1024

// readLogKey takes a public key as text, NAME+HASH+KEY, or the file that has it.
func readLogKey(given string) (note.Verifier, error) {
	verifier, textErr := note.NewVerifier(given)
	if textErr == nil {
		return verifier, nil
	}
	text, err := readBounded(given, maxLogKey)
	if err != nil {
		return nil, wrongUse("--key is neither a log's public key (NAME+HASH+KEY) nor a file that has one: %w", err)
	}
	if verifier, err = note.NewVerifier(strings.TrimSpace(string(text))); err != nil {
		return nil, wrongUse("--key: %s does not have a log's public key, NAME+HASH+KEY: %w", given, err)
	}
	return verifier, nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path) // #nosec G304 -- named by whoever runs the command
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return text, err
}
