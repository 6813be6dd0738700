package postgres_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// A migration that a database has been through is never changed: databases that say
// the same schema would not be the same. What is missing comes with another one.
func TestMigrationsStayAsTheyWere(t *testing.T) {
	known := map[string]string{
		"00001_begin.sql":          "de910089af58a1c8ebc58ecd7c7fe0e58b29e429acd75f151100a1fb99722bd3",
		"00002_documents.sql":      "4470be6e7451ef11a0810c2e5474e897bab8df936ef34599e43dd48f4b795be8",
		"00003_owners.sql":         "e5b86b5a57d9397dec792f4b92239798cb620be3987ca6235bf76551cd3dd73e",
		"00004_key_protection.sql": "238697181152663106e72fecd0758b9e1425d7a3dc1ccb3cd412682ffb803a31",
	}
	files, err := filepath.Glob(filepath.Join("migrations", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(text)
		if got := hex.EncodeToString(digest[:]); known[filepath.Base(file)] != got {
			t.Errorf("%s has the SHA-256 %s: add what is new here, and change nothing that was", file, got)
		}
	}
	if len(files) < len(known) {
		t.Errorf("%d migrations, and %d are known", len(files), len(known))
	}
}
