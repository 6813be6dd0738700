package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

// maxRotations bounds the keys that one export leads to.
const maxRotations = 1_000

// rotationKind is the kind of the events that tell of another key; enroll's
// LogKeyRotated.
const rotationKind = "log.key_rotated"

// VerifySigned is Verify for a signed checkpoint, as OpenCheckpoint reads it, whose key
// may be a later one than the verifier's: the export tells of each key that the log
// was given, with the word of the key before it. Without a verifier no signature is
// checked. Errors are those of both.
//
// A key that is trusted stays so: where one was stolen, check with the key that came
// after it, which its thief cannot have spoken for.
func VerifySigned(export io.Reader, signed []byte, trusted note.Verifier) (Checkpoint, Report, error) {
	checkpoint, err := OpenCheckpoint(signed, trusted)
	if err == nil {
		report, err := Verify(export, checkpoint)
		return checkpoint, report, err
	}
	refused := err
	if checkpoint, err = OpenCheckpoint(signed, nil); err != nil {
		return Checkpoint{}, Report{}, refused
	}
	keys := &keyring{trusted: []note.Verifier{trusted}}
	report, err := verify(export, checkpoint, keys.learn)
	for _, key := range keys.trusted[1:] {
		if opened, wrong := OpenCheckpoint(signed, key); wrong == nil {
			return opened, report, err
		}
	}
	var tampered *Tampered
	if err != nil && !errors.As(err, &tampered) {
		return Checkpoint{}, Report{}, err // of reading
	}
	return Checkpoint{}, Report{}, fmt.Errorf("%w, nor by one that it spoke for in this export", refused)
}

// keyring is the keys that are trusted, in the order in which they came to be.
type keyring struct{ trusted []note.Verifier }

// learn looks for a rotation in a record. One that no trusted key speaks for is
// nothing.
func (k *keyring) learn(record []byte) {
	if !bytes.Contains(record, []byte(rotationKind)) || len(k.trusted) > maxRotations {
		return
	}
	var event struct {
		Kind        string `json:"kind"`
		Endorsement string `json:"endorsement"`
	}
	if err := json.Unmarshal(record, &event); err != nil || event.Kind != rotationKind {
		return
	}
	next, err := OpenRotation(event.Endorsement, k.trusted...)
	if err != nil || slices.ContainsFunc(k.trusted, func(v note.Verifier) bool { return v.KeyHash() == next.KeyHash() }) {
		return
	}
	k.trusted = append(k.trusted, next)
}
