package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// good is a configuration in which nothing is wrong; every key stands in it.
const good = `
store: bolt:data/store.db
pen: 64512
names: [est.example.com, 192.0.2.1]
device: {addr: ":8443", max_connections: 500}
est: {channel_binding: required, server_keygen: true}
api: {addr: "127.0.0.1:9443", max_connections: 500}
status:
  addr: 0.0.0.0:8080
  max_connections: 500
  public_url: http://pki.example.com/touchmark
  parent_crls: [root.crl]
metrics: {addr: "[::1]:9090", pprof: true}
ca:
  anchor: root.crt
  dir: pki
  passphrase: {file: passphrase}
profiles:
  - name: default
  - {name: short, lifetime: 15m, backdate: 30s, no_rev_avail: true}
  - {name: long, lifetime: 3650d}
oidc:
  ca: root.crt
  providers:
    - issuer: https://login.example.com/realm
      audience: touchmark
      groups_claim: groups
      subject_claim: oid
      algorithms: [ES256]
      accept_id_tokens: false
    - issuer: https://login.partner.example
      audience: touchmark
      groups_claim: /realm_access/roles
      roles: {staff: auditor}
roles: {admins: admin, "CN=Line, O=X": station}
log: {key: log.key, origin: example.com/log}
crl: {lifetime: 12h}
reenrol_window: 2d
access: {membership_lifetime: 30d, branch_fleets: 700}
archive: {dir: old, certificates_after: 2d, records_after: 90d}
clock: {tolerance: 30s, max_jump: 2h, max_idle: 365d}
disk: {low: 10GiB, stop: 512MiB}
limits: {wait: 500ms, memory: 2GiB}
`

// folder holds every file that good names.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"root.crl", "root.crt", "passphrase", "log.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func check(t *testing.T, dir, text string) (*config.Settings, []config.Fault, error) {
	t.Helper()
	file, err := config.Parse([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	return config.Check(file, dir)
}

func TestGoodConfiguration(t *testing.T) {
	dir := folder(t)
	s, warnings, err := check(t, dir, good)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %v, error %v", warnings, err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for what, pair := range map[string][2]any{
		"store":       {s.Store, "bolt://" + in("data/store.db")},
		"pen":         {s.PEN, identity.PEN(64512)},
		"device":      {s.Device, config.Bind{Addr: ":8443", MaxConnections: 500}},
		"keygen":      {s.ServerKeygen, true},
		"binding":     {s.ChannelBinding, enroll.BindingRequired},
		"anchor":      {s.Anchor, in("root.crt")},
		"issuers":     {s.IssuerDir, in("pki")},
		"parent crl":  {s.ParentCRLs[0], in("root.crl")},
		"log key":     {s.LogKey, in("log.key")},
		"oidc ca":     {s.OIDCAnchors, in("root.crt")},
		"subject":     {s.OIDC.Providers[0].SubjectClaim, "oid"},
		"role":        {s.OIDC.Roles["CN=Line, O=X"], identity.Station},
		"groups":      {s.OIDC.Providers[1].GroupsClaim, "/realm_access/roles"},
		"inherited":   {s.OIDC.Providers[0].Roles == nil, true},
		"own role":    {s.OIDC.Providers[1].Roles["staff"], identity.Auditor},
		"crl":         {s.CRLLifetime, 12 * time.Hour},
		"reenrol":     {s.ReenrolWindow, 48 * time.Hour},
		"tolerance":   {s.Clock.Tolerance, 30 * time.Second},
		"jump":        {s.Clock.MaxJump, 2 * time.Hour},
		"idle":        {s.Clock.MaxIdle, 365 * 24 * time.Hour},
		"low disk":    {s.DiskLow, int64(10 << 30)},
		"full disk":   {s.DiskStop, int64(512 << 20)},
		"branches":    {s.BranchFleets, 700},
		"membership":  {s.MembershipLifetime, 30 * 24 * time.Hour},
		"archive":     {s.ArchiveDir, in("old")},
		"expired":     {s.CertificatesAfter, 48 * time.Hour},
		"records":     {s.RecordsAfter, 90 * 24 * time.Hour},
		"wait":        {s.Wait, 500 * time.Millisecond},
		"memory":      {s.Memory, int64(2 << 30)},
		"default":     {s.Profiles[0].Lifetime(), 24 * time.Hour},
		"short":       {s.Profiles[1].Backdate(), 30 * time.Second},
		"long":        {s.Profiles[2].Lifetime(), 3650 * 24 * time.Hour},
		"longest":     {s.ChainCheck(time.Time{}).LongestLifetime, 3650 * 24 * time.Hour},
		"dns names":   {strings.Join(s.DNSNames, " "), "localhost est.example.com"},
		"ip":          {s.IPs[2].String(), "192.0.2.1"},
		"pprof":       {s.Pprof, true},
		"connections": {s.Metrics.MaxConnections, 10_000},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
}

// TestFaults changes one line of good, and expects a fault of that key.
func TestFaults(t *testing.T) {
	dir := folder(t)
	for _, test := range []struct{ name, from, to, key, hint string }{
		{"no store", "store: bolt:data/store.db", "", "store", "bolt:data/touchmark.db"},
		{"a path for a store", "store: bolt:data/store.db", "store: data/store.db", "store", "URL"},
		{"two slashes", "store: bolt:data/store.db", "store: bolt://data/store.db", "store", "three slashes"},
		{"another program's database", "store: bolt:data/store.db", "store: mysql:x", "store", `scheme "mysql"`},
		{"a query in a path", "store: bolt:data/store.db", "store: bolt:data/store.db?x", "store", "three slashes"},
		{"no number", "pen: 64512", "", "pen", "IANA"},
		{"a name with a space", "est.example.com", "'est example'", "names[0]", "DNS name"},
		{"no port", `":8443"`, `"8443"`, "device.addr", "host:port"},
		{"no such port", "127.0.0.1:9443", "127.0.0.1:94430", "api.addr", `"94430" must be 0 to 65535`},
		{"a binding by another word", "channel_binding: required", "channel_binding: true", "est.channel_binding", "offered"},
		{"negative connections", "max_connections: 500\n  public_url", "max_connections: -1\n  public_url", "status.max_connections", "1 to"},
		{"https", "http://pki.example.com/touchmark", "https://pki.example.com", "status.public_url", "plain http"},
		{"no address", "public_url: http://pki.example.com/touchmark", "", "status.public_url", "missing"},
		{"no such CRL", "[root.crl]", "[root.crl, other.crl]", "status.parent_crls[1]", "other.crl"},
		{"profiles without a listener", `addr: "[::1]:9090"`, `addr: "off"`, "metrics.pprof", "address"},
		{"a short wait", "wait: 500ms", "wait: 1ms", "limits.wait", "50ms to 10s"},
		{"no unit", "memory: 2GiB", "memory: 2048", "limits.memory", "512MiB or 4GiB"},
		{"another unit", "memory: 2GiB", "memory: 2GB", "limits.memory", "512MiB or 4GiB"},
		{"less than nothing", "memory: 2GiB", "memory: -2GiB", "limits.memory", "512MiB or 4GiB"},
		{"little memory", "memory: 2GiB", "memory: 63MiB", "limits.memory", "64MiB to"},
		{"much memory", "memory: 2GiB", "memory: 2147483647GiB", "limits.memory", "64MiB to"},
		{"no anchor", "anchor: root.crt", "", "ca.anchor", "corporate root"},
		{"a folder as anchor", "anchor: root.crt", "anchor: .", "ca.anchor", "no file"},
		{"two passphrases", "{file: passphrase}", "{file: passphrase, env: X}", "ca.passphrase", "exactly one"},
		{"no default", "name: default", "name: usual", "profiles", "default"},
		{"twice default", "name: short", "name: default", "profiles[1].name", "another"},
		{"too long", "lifetime: 3650d", "lifetime: 36500d", "profiles[2].lifetime", "must be"},
		{"no unit", "lifetime: 15m", "lifetime: '15'", "profiles[1].lifetime", "365d"},
		{"a profile with a space", "name: long", "name: 'l g'", "profiles[2].name", "a-z"},
		{"plain http provider", "https://login", "http://login", "oidc.providers[0].issuer", "https"},
		{"no audience", "audience: touchmark", "", "oidc.providers[0].audience", "aud"},
		{"a shared key", "[ES256]", "[HS256]", "oidc.providers[0].algorithms", "HS256"},
		{"no such role", "admins: admin", "admins: root", "roles.admins", "station"},
		{"no such role of a provider", "staff: auditor", "staff: root", "oidc.providers[1].roles.staff", "station"},
		{"roles that are not there", "roles: {staff: auditor}", "roles:", "oidc.providers[1].roles", "{}"},
		{"a group that nobody sees", "CN=Line, O=X", "CN=Line\\n", "roles", "does not print"},
		{"an address as subject", "subject_claim: oid", "subject_claim: email", "oidc.providers[0].subject_claim", "oid"},
		{"a pointer with a gap", "groups_claim: /realm_access/roles", "groups_claim: /realm_access//roles", "oidc.providers[1].groups_claim", "RFC 6901"},
		{"no such CA", "ca: root.crt\n  providers", "ca: other.crt\n  providers", "oidc.ca", "other.crt"},
		{"no log key", "key: log.key", "key: other.key", "log.key", "other.key"},
		{"a plus", "example.com/log", "example.com+log", "log.origin", "without spaces"},
		{"CRL of a second", "lifetime: 12h", "lifetime: 1s", "crl.lifetime", "must be"},
		{"groups that lapse at once", "membership_lifetime: 30d", "membership_lifetime: 59m", "access.membership_lifetime", "must be"},
		{"branches without fleets", "branch_fleets: 700", "branch_fleets: -1", "access.branch_fleets", "1 to"},
		{"branches that cannot be listed", "branch_fleets: 700", "branch_fleets: 10001", "access.branch_fleets", "1 to"},
		{"groups for ever", "membership_lifetime: 30d", "membership_lifetime: never", "access.membership_lifetime", "no duration"},
		{"no window", "reenrol_window: 2d", "reenrol_window: 0s", "reenrol_window", "must be"},
		{"a file as archive", "dir: old", "dir: log.key", "archive.dir", "name a folder"},
		{"a folder below a file", "dir: old", "dir: log.key/archive", "archive.dir", "log.key"},
		{"no tolerance", "tolerance: 30s", "tolerance: 0s", "clock.tolerance", "must be"},
		{"a jump of a year", "max_jump: 2h", "max_jump: 365d", "clock.max_jump", "must be"},
		{"idle for ever", "max_idle: 365d", "max_idle: never", "clock.max_idle", "no duration"},
		{"a disk without a unit", "low: 10GiB", "low: 10", "disk.low", "no size"},
		{"a stop before the alarm", "low: 10GiB", "low: 256MiB", "disk.stop", "alarm"},
		{"certificates leave at once", "certificates_after: 2d", "certificates_after: 1m", "archive.certificates_after", "must be"},
		{"records stay for ever", "records_after: 90d", "records_after: 9999d", "archive.records_after", "must be"},
		{"unknown at the top", "pen: 64512", "pen: 64512\nPEN: 1", "PEN", "there are"},
		{"unknown below", "pprof: true", "profile: true", "metrics.profile", "in metrics there are addr, pprof"},
		{"unknown in a list", "backdate: 30s", "back_date: 30s", "profiles[1].back_date", "backdate"},
		{"unknown in a secret", "{file: passphrase}", "{path: passphrase}", "ca.passphrase.path", "credential, env, file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(good, test.from, test.to, 1)
			if text == good {
				t.Fatalf("%q is not in the good configuration", test.from)
			}
			_, _, err := check(t, dir, text)
			var faults config.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error %v, want Faults", err)
			}
			if len(faults) != 1 || faults[0].Key != test.key || !strings.Contains(faults[0].String(), test.hint) {
				t.Errorf("faults %q, want one of %s that says %q", faults, test.key, test.hint)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, _, err := check(t, t.TempDir(), "oidc: {providers: [{}]}")
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("error %v", err)
	}
	var keys []string
	for _, fault := range faults {
		keys = append(keys, fault.Key)
	}
	for _, want := range []string{"store", "pen", "status.public_url", "ca.anchor", "log.key", "log.origin", "oidc.providers[0].issuer", "oidc.providers[0].audience"} {
		if !slices.Contains(keys, want) {
			t.Errorf("no fault of %s among %v", want, keys)
		}
	}
}

func TestWarnings(t *testing.T) {
	dir := folder(t)
	for _, test := range []struct{ name, from, to, key string }{
		{"the example's number", "pen: 64512", "pen: 32473", "pen"},
		{"this machine's name", "pki.example.com", "localhost:8080", "status.public_url"},
		{"this machine's address", "pki.example.com", "127.0.0.1:8080", "status.public_url"},
		{"metrics for all", "[::1]:9090", "0.0.0.0:9090", "metrics.addr"},
		{"roles for two providers", "roles: {staff: auditor}", "", "roles"},
		{"roles for no provider", "accept_id_tokens: false", "roles: {staff: auditor}", "roles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, warnings, err := check(t, dir, strings.Replace(good, test.from, test.to, 1))
			if err != nil || len(warnings) != 1 || warnings[0].Key != test.key {
				t.Errorf("warnings %v, error %v, want one of %s", warnings, err, test.key)
			}
		})
	}
	t.Run("a key that others may read", func(t *testing.T) {
		if err := os.Chmod(filepath.Join(dir, "log.key"), 0o640); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := check(t, dir, good)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "chmod 600") {
			t.Errorf("warnings %v, error %v", warnings, err)
		}
	})
}

// TestRolesOfNobodyInParticular warns of roles that several providers share, by
// their names, and not of what is one provider's.
func TestRolesOfNobodyInParticular(t *testing.T) {
	dir := folder(t)
	_, warnings, err := check(t, dir, strings.Replace(good, "roles: {staff: auditor}", "", 1))
	if err != nil || len(warnings) != 1 {
		t.Fatalf("warnings %v, error %v", warnings, err)
	}
	for _, word := range []string{"https://login.example.com/realm", "https://login.partner.example", "oidc.providers[].roles"} {
		if !strings.Contains(warnings[0].Text, word) {
			t.Errorf("%q does not name %s", warnings[0].Text, word)
		}
	}
	for name, change := range map[string]*strings.Replacer{
		"no roles at all":              strings.NewReplacer(`roles: {admins: admin, "CN=Line, O=X": station}`, "", "roles: {staff: auditor}", ""),
		"roles at the top for one":     strings.NewReplacer(),
		"a provider that has no roles": strings.NewReplacer("roles: {staff: auditor}", "roles: {}"),
	} {
		s, warnings, err := check(t, dir, change.Replace(good))
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: warnings %v, error %v", name, warnings, err)
			continue
		}
		if own := s.OIDC.Providers[1].Roles; (own != nil) != (name != "no roles at all") {
			t.Errorf("%s: the partner has %v", name, own)
		}
	}
}

func TestMalformedFiles(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":           "store: [",
		"a key twice":       "pen: 1\npen: 2",
		"a word for number": "pen: many",
		"a list for a map":  "device: [1]",
		"too large":         strings.Repeat("#", config.MaxSize+1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := config.Parse([]byte(text)); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := config.Parse(nil); err != nil {
		t.Errorf("an empty file is no fault of its form: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("device: {addr: 1}\nprofiles: [{}, 1]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("- 1\n- 2"))
	f.Add([]byte("oidc: {providers: [{roles: ~, groups_claim: /~2}, {roles: {a: b}, subject_claim: a.email}]}"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := config.Parse(text)
		if err != nil {
			return
		}
		// Whatever is written, checking it ends in settings or in faults.
		s, _, err := config.Check(file, dir)
		var faults config.Faults
		if (s == nil) == (err == nil) || err != nil && !errors.As(err, &faults) {
			t.Fatalf("settings %v, error %v", s, err)
		}
	})
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "365d": 365 * 24 * time.Hour, "0d": 0,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1", "-1d", "1.5d", "d", "1y", "99999999d", "1d2h"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

// Whoever has other means against a full disk has nothing refused for it.
func TestDiskThatStopsNothing(t *testing.T) {
	text := strings.Replace(good, "stop: 512MiB", "stop: off", 1)
	s, _, err := check(t, folder(t), text)
	if err != nil {
		t.Fatal(err)
	}
	if s.DiskLow != 10<<30 || s.DiskStop != 0 {
		t.Errorf("an alarm below %d, an end below %d", s.DiskLow, s.DiskStop)
	}
}
