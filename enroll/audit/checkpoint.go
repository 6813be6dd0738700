package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxCheckpoint bounds a signed checkpoint, in bytes.
const MaxCheckpoint = 64 << 10

// ErrCheckpoint is wrapped by what OpenCheckpoint returns for bytes that are not
// a checkpoint, or not one that the key signed.
var ErrCheckpoint = errors.New("not a valid checkpoint")

// Checkpoint says how long a log is and what the root of its tree is, and so
// every byte of it.
type Checkpoint struct {
	Origin string // the log's name
	Size   uint64 // in records, at most 2^63-1
	Root   tlog.Hash
	// Verified says that the signature was checked. It is false for a checkpoint
	// that was opened without a key: then it is worth what its keeper is worth.
	Verified bool
}

// GenerateKey makes a note key pair for the log called origin: the text of the
// private key, which must be kept secret, and that of the public key, which
// auditors keep. Origin is not empty and has no spaces, control characters or
// '+'.
func GenerateKey(random io.Reader, origin string) (private, public string, err error) {
	if err := checkOrigin(origin); err != nil {
		return "", "", err
	}
	return note.GenerateKey(random, origin)
}

// SignCheckpoint returns a checkpoint as a note (C2SP tlog-checkpoint) that each of
// the signers has signed: whoever has the key of one of them can check it.
func SignCheckpoint(origin string, size uint64, root tlog.Hash, signers ...note.Signer) ([]byte, error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	text := origin + "\n" + strconv.FormatUint(size, 10) + "\n" + root.String() + "\n"
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint of %d records: %w", size, err)
	}
	return signed, nil
}

// OpenCheckpoint reads a signed checkpoint and checks that verifier's key signed
// it and that it is of the log that the key is named after. Without a verifier
// nothing is checked, and Verified says so. Errors wrap ErrCheckpoint.
func OpenCheckpoint(data []byte, verifier note.Verifier) (Checkpoint, error) {
	if len(data) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("%w: longer than %d bytes", ErrCheckpoint, MaxCheckpoint)
	}
	n, err := openNote(data, verifier)
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if verifier == nil {
		return c, nil
	}
	if c.Origin != verifier.Name() {
		return Checkpoint{}, fmt.Errorf("%w: it is of the log %q, and the key is that of %q", ErrCheckpoint, c.Origin, verifier.Name())
	}
	c.Verified = true
	return c, nil
}

// CheckConsistency checks a proof (tlog.ProveTree) that the log of the newer
// checkpoint begins with the whole log of the older one.
func CheckConsistency(older, newer Checkpoint, proof tlog.TreeProof) error {
	switch {
	case older.Origin != newer.Origin:
		return fmt.Errorf("checkpoints of two logs, %q and %q, cannot be compared", older.Origin, newer.Origin)
	case older.Size > newer.Size || newer.Size > math.MaxInt64:
		return fmt.Errorf("the older checkpoint has %d records, the newer one %d: swap them", older.Size, newer.Size)
	case older.Size == 0:
		return nil // every log begins with nothing
	}
	if err := tlog.CheckTree(proof, int64(newer.Size), newer.Root, int64(older.Size), older.Root); err != nil {
		return fmt.Errorf("the log of %d records does not begin with the log of %d records that was checkpointed before: %w",
			newer.Size, older.Size, err)
	}
	return nil
}

// openNote splits a signed note; without a verifier it accepts any signature
// that has the form of one.
func openNote(data []byte, verifier note.Verifier) (*note.Note, error) {
	var known []note.Verifier
	if verifier != nil {
		known = append(known, verifier)
	}
	n, err := note.Open(data, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	switch {
	case err == nil:
		return n, checkSignatures(n)
	case !errors.As(err, &unverified):
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	case verifier == nil:
		return unverified.Note, checkSignatures(unverified.Note)
	default:
		return nil, fmt.Errorf("%w: not signed by the key %s+%08x", ErrCheckpoint, verifier.Name(), verifier.KeyHash())
	}
}

// checkSignatures refuses a signature in other base64 than the one way to write
// it, in which the last bits count: package note takes several for the same.
func checkSignatures(n *note.Note) error {
	for _, signature := range slices.Concat(n.Sigs, n.UnverifiedSigs) {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return fmt.Errorf("%w: the signature of %s is not written as it was signed: %w", ErrCheckpoint, signature.Name, err)
		}
	}
	return nil
}

// parseCheckpoint reads origin, size and root; further lines are extensions,
// which are allowed and ignored.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 {
		return Checkpoint{}, fmt.Errorf("%w: it needs three lines: the log's name, its size and its root", ErrCheckpoint)
	}
	if err := checkOrigin(lines[0]); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("%w: its second line is not a number of records", ErrCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize || base64.StdEncoding.EncodeToString(root) != lines[2] {
		return Checkpoint{}, fmt.Errorf("%w: its third line is not the base64 of a root of %d octets", ErrCheckpoint, tlog.HashSize)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}, nil
}

// checkOrigin holds a log's name to what a key may be called, so that the two
// can be the same (note's rules).
func checkOrigin(origin string) error {
	if origin == "" || len(origin) > 255 || strings.Contains(origin, "+") || strings.ContainsFunc(origin, unicode.IsSpace) || !utf8.ValidString(origin) {
		return fmt.Errorf("a log's name is 1 to 255 bytes without spaces and '+', such as touchmark.example.com/log, not %q", origin)
	}
	return nil
}
