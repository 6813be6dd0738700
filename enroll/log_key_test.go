package enroll_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/note"
)

func verifier(tb testing.TB, key string) note.Verifier {
	tb.Helper()
	v, err := note.NewVerifier(key)
	check(tb, err)
	return v
}

// opens reports whether a checkpoint of now can be checked with a key.
func (r *rig) opens(key *audit.Key) bool {
	r.tb.Helper()
	signed, err := r.Checkpoint(r.tb.Context(), r.admin)
	check(r.tb, err)
	_, err = audit.OpenCheckpoint(signed, verifier(r.tb, key.Verifier()))
	if err != nil && !errors.Is(err, audit.ErrCheckpoint) {
		r.tb.Fatal(err)
	}
	return err == nil
}

// While both keys sign, whoever has either can check; then the new one alone signs,
// and the log itself says, by the word of the old one, that it may.
func TestTheLogsKeyRotates(t *testing.T) {
	r := newLiveRig(t)
	old, next := r.now.LogSigner, logKey(t, r.now.LogSigner.Name())
	rotate := func(l *enroll.Live) { l.LogSigner, l.FormerLogSigners = next, []*audit.Key{old} }
	for range 2 { // again changes nothing
		check(t, r.reconfigure(rotate))
	}
	if !r.opens(old) || !r.opens(next) {
		t.Error("not both keys sign")
	}
	check(t, r.reconfigure(func(l *enroll.Live) { l.FormerLogSigners = nil }))
	if r.opens(old) || !r.opens(next) {
		t.Error("not the new key alone signs")
	}
	if n := r.count(enroll.LogKeyRotated); n != 1 {
		t.Fatalf("%d rotations are recorded, want 1", n)
	}
	told := r.last(enroll.LogKeyRotated)
	endorsed, err := audit.OpenRotation(told.Endorsement, verifier(t, old.Verifier()))
	check(t, err)
	if told.Before != old.Verifier() || told.Verifier != next.Verifier() || endorsed.KeyHash() != next.KeyHash() {
		t.Errorf("%+v", told)
	}

	// Whoever kept the old key alone is led to the new one by an export.
	lines, err := r.AuditLines(t.Context(), r.admin, enroll.Page{Limit: 1000})
	check(t, err)
	signed, err := r.Checkpoint(t.Context(), r.admin)
	check(t, err)
	export := append(bytes.Join(lines.Items, []byte("\n")), '\n')
	checkpoint, _, err := audit.VerifySigned(bytes.NewReader(export), signed, verifier(t, old.Verifier()))
	check(t, err)
	if !checkpoint.Verified {
		t.Error("the signature was not checked")
	}
	if _, _, err := audit.VerifySigned(bytes.NewReader(export), signed, verifier(t, logKey(t, old.Name()).Verifier())); !errors.Is(err, audit.ErrCheckpoint) {
		t.Errorf("a key that has nothing to do with the log: %v", err)
	}
}

// A key that nobody speaks for is recorded as such.
func TestALostLogKeyIsReplaced(t *testing.T) {
	r := newLiveRig(t)
	next := logKey(t, r.now.LogSigner.Name())
	check(t, r.reconfigure(func(l *enroll.Live) { l.LogSigner = next }))
	if told := r.last(enroll.LogKeyRotated); told.Endorsement != "" || told.Verifier != next.Verifier() {
		t.Errorf("%+v", told)
	}
}

// A node that starts again with the key of before changes nothing in the log.
func TestANodeThatWasNotToldOfTheKey(t *testing.T) {
	r := newLiveRig(t)
	old := r.now.LogSigner
	check(t, r.reconfigure(func(l *enroll.Live) { l.LogSigner = logKey(t, old.Name()) }))
	before, err := json.Marshal(r.log())
	check(t, err)
	newRigOn(t, r.store, "", r.issuer, func(c *enroll.Config) { c.LogSigner = old })
	after, err := json.Marshal(r.log())
	check(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the log is another")
	}
}
