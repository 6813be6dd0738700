package config_test

import (
	"slices"
	"testing"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
)

// What moves, or must not change, needs a restart; a key that nobody thought about does
// too.
func TestWhichKeysNeedARestart(t *testing.T) {
	var restart []string
	for _, key := range config.Keys() {
		if key.Effect == config.OnRestart {
			restart = append(restart, key.Path)
		}
	}
	for _, must := range []string{"store", "pen", "device.addr", "api.addr", "status.addr", "metrics.addr", "log.origin", "archive.dir"} {
		if !slices.Contains(restart, must) {
			t.Errorf("%s is said to take effect at a reload", must)
		}
	}
}

func TestChangedKeysAreNamed(t *testing.T) {
	before := parse(t, `
store: bolt:a.db
names: [a, b]
profiles: [{name: default}, {name: week, lifetime: 168h}]
oidc: {providers: [{issuer: https://idp, audience: x}]}
ca: {passphrase: {file: one}}
`)
	for name, c := range map[string]struct {
		after         string
		live, restart []string
	}{
		"nothing": {"", nil, nil},
		"within lists": {
			`
store: bolt:a.db
names: [a, c]
profiles: [{name: default}, {name: week, lifetime: 24h}]
oidc: {providers: [{issuer: https://idp, audience: x, roles: {}}]}
ca: {passphrase: {file: two}}
`, []string{"ca.passphrase.file", "names[1]", "oidc.providers[0].roles", "profiles[1].lifetime"}, nil,
		},
		"longer lists, and what waits": {
			`
store: bolt:b.db
api: {addr: 127.0.0.1:1, max_connections: 5}
names: [a, b, c]
profiles: [{name: default}]
oidc: {providers: [{issuer: https://idp, audience: x}]}
ca: {passphrase: {file: one}}
`, []string{"names", "profiles"}, []string{"api.addr", "api.max_connections", "store"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			after := before
			if c.after != "" {
				after = parse(t, c.after)
			}
			if got := config.Changed(before, after, config.OnReload); !slices.Equal(got, c.live) {
				t.Errorf("at a reload %q, want %q", got, c.live)
			}
			if got := config.Changed(before, after, config.OnRestart); !slices.Equal(got, c.restart) {
				t.Errorf("at a restart %q, want %q", got, c.restart)
			}
		})
	}
}

func parse(t *testing.T, text string) config.File {
	t.Helper()
	file, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}
