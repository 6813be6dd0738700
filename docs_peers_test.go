package touchmark_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What operators are told to write for a relying party is what the peers of the
// end-to-end tests run, but for the names of files.
func TestConfigurationOfRelyingParties(t *testing.T) {
	const page, files = "docs/operations/relying-parties.md", "/etc/ssl/touchmark/"
	text := read(t, page)
	for heading, command := range map[string]string{
		"nginx, by OCSP":      "nginxocsp_trust FILES/server.pem FILES/server.key FILES/root.pem",
		"nginx, by CRL":       "nginx_trust FILES/server.pem FILES/server.key FILES/root.pem FILES/crls.pem",
		"Mosquitto":           "mosquitto_trust FILES/server.pem FILES/server.key FILES/root.pem FILES/crls.pem",
		"HAProxy":             "haproxy_trust :8883 FILES/server-and-key.pem FILES/root.pem FILES/crls.pem",
		"NATS":                "nats_trust FILES/server.pem FILES/server.key FILES/root.pem",
		"FreeRADIUS, by OCSP": "radiusocsp_trust FILES/server.pem FILES/server.key FILES/chain.pem",
		"FreeRADIUS, by CRL":  "freeradius_trust FILES/server.pem FILES/server.key FILES/root-and-crls.pem",
	} {
		command = strings.ReplaceAll(command, "FILES/", files)
		run, err := exec.CommandContext(t.Context(), "bash", "-euc", ". certs-test/peers/peers.sh; "+command).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, run)
			continue
		}
		if told, runs := block(t, text, heading), trimLines(string(run)); told != runs {
			t.Errorf("%s tells under %q\n%s\nand the tests run\n%s", page, heading, told, runs)
		}
	}
}

// block returns the first block of code under a heading.
func block(t *testing.T, page, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n## "+heading+"\n")
	_, rest, opened := strings.Cut(rest, "\n```")
	_, rest, _ = strings.Cut(rest, "\n")
	code, _, closed := strings.Cut(rest, "\n```")
	if !found || !opened || !closed {
		t.Fatalf("there is no block of code under %q", heading)
	}
	return trimLines(code)
}

// trimLines takes the blanks from around each line.
func trimLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
