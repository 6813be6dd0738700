package audit_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "touchmark.example.com/log"

func TestCheckpoint(t *testing.T) {
	signer, verifier := keys(t, origin)
	root := tlog.RecordHash([]byte("root"))
	signed, err := audit.SignCheckpoint(origin, 17, root, signer)
	if err != nil {
		t.Fatal(err)
	}
	if want := origin + "\n17\n" + root.String() + "\n\n— " + origin + " "; !strings.HasPrefix(string(signed), want) {
		t.Errorf("the note is %q, want it to begin with %q", signed, want)
	}
	got, err := audit.OpenCheckpoint(signed, verifier)
	if want := (audit.Checkpoint{Origin: origin, Size: 17, Root: root, Verified: true}); err != nil || got != want {
		t.Errorf("opened: %+v, %v, want %+v", got, err, want)
	}
	got, err = audit.OpenCheckpoint(signed, nil)
	if want := (audit.Checkpoint{Origin: origin, Size: 17, Root: root}); err != nil || got != want {
		t.Errorf("opened without a key: %+v, %v, want %+v", got, err, want)
	}
	_, other := keys(t, origin)
	if _, err := audit.OpenCheckpoint(signed, other); !errors.Is(err, audit.ErrCheckpoint) {
		t.Errorf("opened with another key: error %v", err)
	}
	for i := range signed {
		changed := []byte(string(signed))
		changed[i] ^= 1
		if _, err := audit.OpenCheckpoint(changed, verifier); !errors.Is(err, audit.ErrCheckpoint) {
			t.Errorf("opened with octet %d changed: error %v", i, err)
		}
	}
}

func TestOpenCheckpointRefuses(t *testing.T) {
	signer, verifier := keys(t, origin)
	root := tlog.Hash{}.String()
	for _, test := range []struct{ name, text string }{
		{"another log", "elsewhere\n1\n" + root + "\n"},
		{"two lines", origin + "\n1\n"},
		{"no name", "\n1\n" + root + "\n"},
		{"a size below zero", origin + "\n-1\n" + root + "\n"},
		{"a size with a zero", origin + "\n01\n" + root + "\n"},
		{"a size too large", origin + "\n9223372036854775808\n" + root + "\n"},
		{"a short root", origin + "\n1\nAAAA\n"},
		{"a root that is no base64", origin + "\n1\n" + strings.Repeat("!", 44) + "\n"},
		{"a root that is not canonical", origin + "\n1\n" + strings.Repeat("A", 42) + "B=\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			signed, err := note.Sign(&note.Note{Text: test.text}, signer)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := audit.OpenCheckpoint(signed, verifier); !errors.Is(err, audit.ErrCheckpoint) {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
	t.Run("extensions are allowed", func(t *testing.T) {
		signed, err := note.Sign(&note.Note{Text: origin + "\n1\n" + root + "\nextension\n"}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := audit.OpenCheckpoint(signed, verifier); err != nil {
			t.Error(err)
		}
	})
	t.Run("too long", func(t *testing.T) {
		if _, err := audit.OpenCheckpoint(make([]byte, audit.MaxCheckpoint+1), nil); !errors.Is(err, audit.ErrCheckpoint) {
			t.Errorf("error %v", err)
		}
	})
}

func TestNames(t *testing.T) {
	signer, _ := keys(t, origin)
	for _, bad := range []string{"", "a b", "a+b", "a\nb", "a\u00a0b", "\xff", strings.Repeat("a", 256)} {
		if _, _, err := audit.GenerateKey(rand.Reader, bad); err == nil {
			t.Errorf("a key called %q was made", bad)
		}
		if _, err := audit.SignCheckpoint(bad, 0, tlog.Hash{}, signer); err == nil {
			t.Errorf("a checkpoint of %q was signed", bad)
		}
	}
}

func TestConsistency(t *testing.T) {
	var tree stored
	checkpoints := []audit.Checkpoint{{Origin: origin, Root: new(audit.Frontier).Root()}}
	var f audit.Frontier
	for n := range 20 {
		tree.add(t, n, leafAt(n))
		f.Add(nil, leafAt(n))
		checkpoints = append(checkpoints, audit.Checkpoint{Origin: origin, Size: f.Size(), Root: f.Root()})
	}
	for older := range checkpoints {
		for newer := older; newer < len(checkpoints); newer++ {
			var proof tlog.TreeProof
			if older > 0 {
				var err error
				if proof, err = tlog.ProveTree(int64(newer), int64(older), &tree); err != nil {
					t.Fatal(err)
				}
			}
			if err := audit.CheckConsistency(checkpoints[older], checkpoints[newer], proof); err != nil {
				t.Errorf("%d and %d: %v", older, newer, err)
			}
			if older == 0 {
				continue
			}
			forked := checkpoints[older]
			forked.Root[0] ^= 1
			if err := audit.CheckConsistency(forked, checkpoints[newer], proof); err == nil {
				t.Errorf("%d, forked, and %d are consistent", older, newer)
			}
		}
	}
	if err := audit.CheckConsistency(checkpoints[2], checkpoints[1], nil); err == nil {
		t.Error("checkpoints the wrong way round are consistent")
	}
	elsewhere := checkpoints[2]
	elsewhere.Origin = "elsewhere"
	if err := audit.CheckConsistency(checkpoints[0], elsewhere, nil); err == nil {
		t.Error("checkpoints of two logs are consistent")
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	signer, _ := keys(f, origin)
	signed, err := audit.SignCheckpoint(origin, 17, tlog.RecordHash([]byte("root")), signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(origin + "\n0\n" + tlog.Hash{}.String() + "\n\n— a AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := audit.OpenCheckpoint(data, nil)
		if err != nil {
			return
		}
		if c.Verified {
			t.Fatal("verified without a key")
		}
		named, verifier := keys(t, c.Origin)
		again, err := audit.SignCheckpoint(c.Origin, c.Size, c.Root, named)
		if err != nil {
			t.Fatal(err)
		}
		c.Verified = true
		if got, err := audit.OpenCheckpoint(again, verifier); err != nil || got != c {
			t.Fatalf("%+v became %+v, %v", c, got, err)
		}
	})
}
