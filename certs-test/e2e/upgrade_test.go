package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.etcd.io/bbolt"
)

// TestUpgrade has this program go on with what each release wrote, on both keepers.
// scripts/upgrade-fixture makes the fixtures.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	needTools(t)
	fixtures, err := filepath.Glob(filepath.Join("testdata", "upgrade", "*.tar.gz"))
	if err != nil || len(fixtures) < 2 {
		t.Fatalf("%d fixtures, %v", len(fixtures), err)
	}
	ports := newPorts()
	for _, path := range fixtures {
		name := strings.TrimSuffix(filepath.Base(path), ".tar.gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := storage{"bolt", nil, "0"}
			if strings.HasSuffix(name, "-postgres") {
				k = storage{"postgres", database.Database, "5"}
			}
			whole, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			r := release{fixture: whole, storage: k, ports: ports}
			runScriptsWith(t, program(t), filepath.Join("testdata", "upgraded"), k, ports, r.commands())
		})
	}
}

// release is what a release left behind.
type release struct {
	fixture string
	storage storage
	ports   *ports
}

// commands are what the script of an upgrade has besides the others:
//
//	release        unpacks what the release left, and tells it to the commands that
//	               follow, as lab does
//	newer          has the store say that a newer program wrote it
//	picture FILE   writes to FILE what tells every octet of the store
func (r *release) commands() map[string]command {
	return map[string]command{
		"release": func(ts *testscript.TestScript, _ bool, _ []string) { r.unpack(ts) },
		"newer":   func(ts *testscript.TestScript, _ bool, _ []string) { r.makeNewer(ts) },
		"picture": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(r.picture(ts)), 0o600))
		},
	}
}

func (r *release) unpack(ts *testscript.TestScript) {
	ts.Check(ts.Exec("tar", "-xzf", r.fixture))
	path := ts.MkAbs("lab/touchmark.yaml")
	text, err := os.ReadFile(path)
	ts.Check(err)
	for _, flag := range listeners(ts, r.ports, "") { // --device-addr=…
		name, addr, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "-addr=")
		text = regexp.MustCompile(`(?m)^(`+name+`:.*\n  addr: ).*`).ReplaceAll(text, []byte("${1}"+addr))
	}
	if r.storage.store != nil {
		url, err := r.storage.store()
		ts.Check(err)
		ts.Setenv("STORE", url)
		ts.Check(ts.Exec("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname="+url, "--file=dump.sql"))
		text = regexp.MustCompile(`(?m)^store:.*`).ReplaceAll(text, []byte("store: "+url))
	}
	ts.Check(os.WriteFile(path, text, 0o600))
	tellLab(ts)
}

func (r *release) makeNewer(ts *testscript.TestScript) {
	if r.storage.store != nil {
		ts.Check(ts.Exec("psql", "--quiet", "--no-psqlrc", "--dbname="+ts.Getenv("STORE"),
			"--command=INSERT INTO schema_versions (version_id, is_applied) VALUES (99, true)"))
		return
	}
	db, err := bbolt.Open(ts.MkAbs("lab/data/touchmark.db"), 0o600, nil)
	ts.Check(err)
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte("99")) })
	ts.Check(err)
	ts.Check(db.Close())
}

// picture returns a digest of the store.
func (r *release) picture(ts *testscript.TestScript) string {
	var all []byte
	var err error
	if r.storage.store == nil {
		all, err = os.ReadFile(ts.MkAbs("lab/data/touchmark.db"))
	} else {
		all, err = exec.Command("pg_dump", "--no-owner", "--dbname="+ts.Getenv("STORE")).Output()
		all = regexp.MustCompile(`(?m)^\\(un)?restrict .*`).ReplaceAll(all, nil) // random
	}
	ts.Check(err)
	digest := sha256.Sum256(all)
	return fmt.Sprintf("%d octets %s\n", len(all), hex.EncodeToString(digest[:]))
}
