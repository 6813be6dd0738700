package audit

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// When a log is given another key, the key before it signs that: whoever trusts the
// one can then trust the other, offline and for as long as the log is kept. The
// statement is a note of three lines:
//
//	Touchmark log key rotation
//	<the log's name>
//	<the new public key>
//
// Its first line has spaces, which no log's name has, so that it can never be taken
// for a checkpoint, nor a checkpoint for it.
const rotationHead = "Touchmark log key rotation"

// MaxRotation bounds a statement with its signatures, in bytes.
const MaxRotation = 8 << 10

// ErrRotation is wrapped by what OpenRotation returns for a text that is not a
// statement, or not one that a trusted key signed.
var ErrRotation = errors.New("not a valid rotation of a log's key")

// SignRotation returns the statement that the log's next key, NAME+HASH+KEY, takes the
// place of the signer.
func SignRotation(signer note.Signer, next string) (string, error) {
	verifier, err := note.NewVerifier(next)
	if err != nil {
		return "", fmt.Errorf("%w: the next key is none: %w", ErrRotation, err)
	}
	if verifier.Name() != signer.Name() {
		return "", fmt.Errorf("%w: the next key is for the log %q, and this one for %q; a log keeps its name", ErrRotation, verifier.Name(), signer.Name())
	}
	signed, err := note.Sign(&note.Note{Text: rotationHead + "\n" + signer.Name() + "\n" + next + "\n"}, signer)
	if err != nil {
		return "", fmt.Errorf("signing the rotation of a log's key: %w", err)
	}
	return string(signed), nil
}

// OpenRotation returns the key that a statement names, where one of the trusted keys
// signed it. Errors wrap ErrRotation.
func OpenRotation(statement string, trusted ...note.Verifier) (note.Verifier, error) {
	if len(statement) > MaxRotation {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrRotation, MaxRotation)
	}
	n, err := note.Open([]byte(statement), note.VerifierList(trusted...))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRotation, err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != rotationHead {
		return nil, fmt.Errorf("%w: it does not say %q, the log's name and the key", ErrRotation, rotationHead)
	}
	next, err := note.NewVerifier(lines[2])
	if err != nil || next.Name() != lines[1] || n.Sigs[0].Name != lines[1] {
		return nil, fmt.Errorf("%w: its key is not one of the log %q", ErrRotation, lines[1])
	}
	return next, nil
}
