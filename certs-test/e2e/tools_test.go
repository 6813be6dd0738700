package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// needTools fails the test for every foreign program that is not installed, with
// the Debian package that brings it.
func needTools(t *testing.T) {
	t.Helper()
	for program, from := range map[string]string{
		"bash": "bash", "curl": "curl", "openssl": "openssl", "jq": "jq", "ps": "procps",
		"nginx": "nginx", "mosquitto": "mosquitto", "mosquitto_pub": "mosquitto-clients",
		"haproxy": "haproxy", "freeradius": "freeradius", "eapol_test": "eapoltest",
		"testssl": "testssl.sh", "hexdump": "bsdextrautils",
		"pki": "strongswan-pki", "certtool": "gnutls-bin", "ocsptool": "gnutls-bin", "gnutls-cli": "gnutls-bin", "wget": "wget",
		"node": "nodejs", "javac": "default-jdk-headless", "gcc": "gcc", "softhsm2-util": "softhsm2", "swtpm": "swtpm", "swtpm_setup": "swtpm-tools",
	} {
		if !installed(program) {
			t.Errorf("%s is not installed; it is in the Debian package %s. Run scripts/setup, or install it by hand", program, from)
		}
	}
	for _, jar := range []string{"bcpkix", "bctls"} {
		if _, err := os.Stat("/usr/share/java/" + jar + ".jar"); err != nil {
			t.Errorf("%[1]s.jar is not installed; it is in the Debian package lib%[1]s-java. Run scripts/setup, or install it by hand", jar)
		}
	}
	provider := filepath.Join("..", "oidc-provider", "node_modules", "oidc-provider")
	if _, err := os.Stat(provider); err != nil {
		t.Error("the npm package oidc-provider is not installed. Run scripts/setup, or npm ci in certs-test/oidc-provider")
	}
	if _, err := os.Stat(filepath.Join("..", "peers", "nats", "bin", "nats-server")); err != nil {
		t.Error("the NATS server is not built. Run scripts/setup")
	}
	if t.Failed() {
		t.FailNow()
	}
}

// installed looks in the folders of daemons too, which are not in everybody's
// PATH.
func installed(program string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	for _, folder := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if _, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return true
		}
	}
	return false
}
