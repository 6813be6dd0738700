package parsed_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bouncyCastle reads all artefacts in one process, by certs-test/peers/bouncycastle.
// It tells all.
func bouncyCastle() reader {
	return reader{name: "Bouncy Castle", read: func(t *testing.T, artefacts []artefact) (all []fields) {
		const jars = "/usr/share/java/"
		line := []string{
			"-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", strings.Join([]string{jars + "bcprov.jar", jars + "bcpkix.jar", jars + "bcutil.jar"}, ":"),
			filepath.Join("..", "peers", "bouncycastle", "Fields.java"),
		}
		for _, a := range artefacts {
			line = append(line, string(a.kind), a.path)
		}
		said, err := exec.CommandContext(t.Context(), "java", line...).CombinedOutput()
		if err != nil {
			t.Fatalf("Bouncy Castle (scripts/setup installs it and a JDK): %v\n%s", err, said)
		}
		for row := range strings.Lines(string(said)) {
			var read fields
			if err := json.Unmarshal([]byte(row), &read); err != nil {
				t.Fatalf("%v: %s", err, row)
			}
			for field, value := range read {
				if value == "" {
					delete(read, field)
				}
			}
			all = append(all, read)
		}
		return all
	}}
}
