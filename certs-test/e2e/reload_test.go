package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// reload sends SIGHUP to the last server, and waits for the line of its log that says
// what came of it.
func reload(ts *testscript.TestScript, outcome string) {
	mine := ts.Value(serverKey{}).(*servers)
	if len(mine.all) == 0 {
		ts.Fatalf("no server was started")
	}
	path := ts.MkAbs("server.log")
	before, err := os.Stat(path)
	ts.Check(err)
	ts.Check(mine.all[len(mine.all)-1].process.Process.Signal(syscall.SIGHUP))
	var got string
	err = eventually(patience, func() error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text[before.Size():]) {
			var said struct{ Msg, Outcome string }
			if json.Unmarshal(line, &said) != nil {
				continue
			}
			switch said.Msg {
			case "configuration reloaded":
				got = said.Outcome
			case "configuration not reloaded: nothing was changed, and the server goes on as before":
				got = "failed"
			default:
				continue
			}
			return nil
		}
		return fmt.Errorf("the server does not say that it read its configuration again")
	})
	ts.Check(err)
	if got != outcome {
		ts.Fatalf("the outcome is %s, want %s", got, outcome)
	}
}
