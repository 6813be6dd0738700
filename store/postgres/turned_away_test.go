package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/postgres"
)

// TestTurnedAway asks for what no patience brings.
func TestTurnedAway(t *testing.T) {
	t.Parallel()
	url := database(t)
	for name, wrong := range map[string]string{
		"no such database": strings.Replace(url, "/postgres?", "/nowhere?", 1),
		"no such setting":  url + "&no_such_setting=1",
		"no such user":     strings.Replace(url, "//touchmark@", "//nobody-we-know@", 1),
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: wrong, Patience: time.Hour})
		if err == nil || errors.Is(err, enroll.ErrStoreUnavailable) || !strings.Contains(err.Error(), "turns us away") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
