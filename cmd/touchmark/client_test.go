package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestClientScripts runs testdata/client, the life of orders and devices from the
// command line. Besides the commands of TestScripts there are:
//
//	json PATH WANT             compares a value of the last JSON printed, such as items.0.id
//	keep NAME PATH             sets a variable to such a value
//	enrol SERIAL TICKET CODE   enrols a device over EST with a key of its own, and
//	                           compares the HTTP status
//	tamper HOW INDEX FILE OUT  changes, cuts, adds or swaps a record of an export
//	provider [end|group NAME]  starts an OpenID Connect provider as ISSUER, ends the
//	                           sign-in there, or puts the person into another group
//	provider token FILE SUBJECT GROUP...  writes an access token of somebody there
func TestClientScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/client",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ports": newPortRange().claim, "await": await, "mode": mode, "exits": exits,
			"json": compareJSON, "keep": keep, "enrol": enrol, "tamper": tamper, "provider": provide,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
			return nil
		},
	})
}

// at returns the value at a path of the last output's JSON, as text.
func at(ts *testscript.TestScript, path string) string {
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	for _, step := range strings.Split(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			inner, there := in[step]
			if !there {
				ts.Fatalf("%s: there is no member %s", path, step)
			}
			value = inner
		case []any:
			if step == "length" {
				return strconv.Itoa(len(in))
			}
			i, err := strconv.Atoi(step)
			ts.Check(err)
			if i >= len(in) {
				ts.Fatalf("%s: there are only %d", path, len(in))
			}
			value = in[i]
		default:
			ts.Fatalf("%s: there is nothing below %v", path, value)
		}
	}
	return fmt.Sprint(value)
}

func compareJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH WANT")
	}
	if got := at(ts, args[0]); (got == args[1]) == neg {
		ts.Fatalf("%s is %q", args[0], got)
	}
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep NAME PATH")
	}
	ts.Setenv(args[0], at(ts, args[1]))
}

func enrol(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: enrol SERIAL TICKET STATUS")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	ts.Check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ts.ReadFile(ts.Getenv("TOUCHMARK_CA"))))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	body := base64.StdEncoding.EncodeToString(csr)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		"https://"+ts.Getenv("DEVICE")+"/.well-known/est/simpleenroll", strings.NewReader(body))
	ts.Check(err)
	request.SetBasicAuth(args[0], args[1])
	request.Header.Set("Content-Type", "application/pkcs10")
	answer, err := (&http.Client{Transport: transport}).Do(request)
	ts.Check(err)
	ts.Check(answer.Body.Close())
	if got := strconv.Itoa(answer.StatusCode); got != args[2] {
		ts.Fatalf("enrolling %s answers %s", args[0], got)
	}
}

// tamper damages an export in one of the ways that audit verify must find.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: tamper HOW INDEX FILE OUT")
	}
	i, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines := bytes.SplitAfter([]byte(ts.ReadFile(args[2])), []byte("\n"))
	switch args[0] {
	case "change":
		lines[i] = bytes.Replace(lines[i], []byte(`"kind":"`), []byte(`"kind":"x`), 1)
	case "cut":
		lines = slices.Delete(lines, i, i+1)
	case "add":
		lines = slices.Insert(lines, i, lines[i])
	case "swap":
		lines[i], lines[i+1] = lines[i+1], lines[i]
	default:
		ts.Fatalf("no way to tamper: %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), bytes.Join(lines, nil), 0o600))
}
