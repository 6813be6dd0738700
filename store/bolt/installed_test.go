package bolt_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
)

func TestCheckInstalled(t *testing.T) {
	for name, c := range map[string]struct {
		key  []byte // nil for no installation
		says string // empty for what is installed
	}{
		"a store":            {key: make([]byte, 32)},
		"an empty one":       {says: "no installation"},
		"an unfinished copy": {key: make([]byte, 51), says: "unfinished copy"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s := must(bolt.Open(t.Context(), bolt.Config{Path: path}))(t)
			if c.key != nil {
				err := s.Update(t.Context(), func(tx enroll.Tx) error { return tx.PutInstallation(enroll.Installation{PseudonymKey: c.key}) })
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			err := bolt.CheckInstalled(path)
			if (err == nil) != (c.says == "") || err != nil && (!strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got error %v, want %q", err, c.says)
			}
		})
	}
}
