package hostile_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/smallstep/pkcs7"
)

// client makes a client of HTTP that trusts the lab's root and keeps no connection.
func (s *site) client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.lab.Site.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
}

// call calls the API as it is meant to be called, and wants a status.
func (s *site) call(t *testing.T, token, method, path string, body any, want int) map[string]any {
	t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		check(t, err)
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "https://"+s.address(api)+path, sent)
	check(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	status, text := s.do(t, request)
	if status != want {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	var answer map[string]any
	check(t, json.Unmarshal(text, &answer))
	return answer
}

func (s *site) do(t *testing.T, request *http.Request) (int, []byte) {
	t.Helper()
	response, err := s.client().Do(request)
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	return response.StatusCode, text
}

// simpleEnrol is EST's simpleenroll with a ticket.
func (s *site) simpleEnrol(t *testing.T, serial, ticket string, csr []byte) *x509.Certificate {
	t.Helper()
	body := strings.NewReader(base64.StdEncoding.EncodeToString(csr))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.address(device)+"/.well-known/est/simpleenroll", body)
	check(t, err)
	request.Header.Set("Content-Type", "application/pkcs10")
	request.SetBasicAuth(serial, ticket)
	status, text := s.do(t, request)
	if status != http.StatusOK {
		t.Fatalf("simpleenroll: %d %s", status, text)
	}
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	check(t, err)
	packed, err := pkcs7.Parse(der)
	check(t, err)
	return packed.Certificates[0]
}

// opened decrypts a key of PKCS#8.
func opened(t *testing.T, path, passphrase string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "openssl", "pkcs8", "-in", path, "-passin", "env:PASSPHRASE")
	command.Env = append(os.Environ(), "PASSPHRASE="+passphrase)
	key, err := command.Output()
	check(t, err)
	return key
}
