package est_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

func TestSimpleEnrollHandsOnTheTicket(t *testing.T) {
	for _, test := range []struct{ path, label string }{
		{"/.well-known/est/simpleenroll", ""},
		{"/.well-known/est/o1/simpleenroll", "o1"},
		{"/o1/.well-known/est/simpleenroll", "o1"},
	} {
		t.Run(test.path, func(t *testing.T) {
			p := &path{}
			// A certificate proves another device: the ticket decides.
			answer := serve(newDoor(t, p), presenting(enrolRequest(test.path), certificate(t, "other")))
			if answer.StatusCode != http.StatusOK || len(p.asked) != 1 {
				t.Fatalf("status %d, %d requests", answer.StatusCode, len(p.asked))
			}
			asked := p.asked[0]
			if want := (enroll.TicketEvidence{User: "SN1", Secret: "T", Label: test.label}); asked.Evidence != want {
				t.Errorf("evidence %+v, want %+v", asked.Evidence, want)
			}
			if asked.Source != "192.0.2.7" || !bytes.Equal(asked.CSR, csr) || asked.Principal.ID() != "" {
				t.Errorf("asked %+v", asked)
			}
		})
	}
}

func TestSimpleEnrollNeedsATicket(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"nothing":                  post("/.well-known/est/simpleenroll", base64.StdEncoding.EncodeToString(csr)),
		"no body":                  post("/.well-known/est/simpleenroll", ""),
		"a certificate":            presenting(post("/.well-known/est/simpleenroll", "AAAA"), certificate(t, "other")),
		"a certificate to reenrol": post("/.well-known/est/simplereenroll", "AAAA"),
	} {
		t.Run(name, func(t *testing.T) {
			p := &path{}
			answer := serve(newDoor(t, p), r)
			want := http.Header{"WWW-Authenticate": {`Basic realm="Touchmark"`}, "Content-Length": {"0"}}
			if answer.StatusCode != 401 || readAll(t, answer) != "" || len(answer.Header) != 2 ||
				answer.Header["WWW-Authenticate"][0] != want["WWW-Authenticate"][0] || len(p.asked) != 0 {
				t.Errorf("status %d, header %v, asked %d; want 401, %v, 0", answer.StatusCode, answer.Header, len(p.asked), want)
			}
		})
	}
}

func TestSimpleReenrollHandsOnTheCertificate(t *testing.T) {
	for _, target := range []string{"/.well-known/est/simplereenroll", "/.well-known/est/o9/simplereenroll", "/o9/.well-known/est/simplereenroll"} {
		p := &path{}
		cert := certificate(t, "device")
		answer := serve(newDoor(t, p), presenting(enrolRequest(target), cert))
		if answer.StatusCode != http.StatusOK || len(p.asked) != 1 {
			t.Fatalf("%s: status %d, %d requests", target, answer.StatusCode, len(p.asked))
		}
		evidence, ok := p.asked[0].Evidence.(enroll.CertificateEvidence)
		if !ok || !bytes.Equal(evidence.DER, cert.Raw) {
			t.Errorf("%s: evidence %T, want the certificate presented", target, p.asked[0].Evidence)
		}
	}
}

// TestAnswersAreOneLine also has openssl read them.
func TestAnswersAreOneLine(t *testing.T) {
	p := &path{}
	door := newDoor(t, p)
	get := func(path string) *http.Request { r := post(path, ""); r.Method = http.MethodGet; return r }
	for _, test := range []struct {
		name      string
		request   *http.Request
		mediaType string
		want      []string // certificates
	}{
		{"cacerts", get("/.well-known/est/cacerts"), "application/pkcs7-mime; smime-type=certs-only", []string{"issuing", "root"}},
		{"cacerts, label", get("/.well-known/est/o1/cacerts"), "application/pkcs7-mime; smime-type=certs-only", []string{"issuing", "root"}},
		{"cacerts, prefix", get("/o1/.well-known/est/cacerts"), "application/pkcs7-mime; smime-type=certs-only", []string{"issuing", "root"}},
		{"simpleenroll", enrolRequest("/.well-known/est/simpleenroll"), "application/pkcs7-mime; smime-type=certs-only", []string{"device"}},
		{"csrattrs", get("/.well-known/est/csrattrs"), "application/csrattrs", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := serve(door, test.request)
			body := readAll(t, answer)
			if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != test.mediaType ||
				answer.Header.Get("Content-Length") != strconv.Itoa(len(body)) || len(answer.TransferEncoding) > 0 {
				t.Fatalf("status %d, header %v", answer.StatusCode, answer.Header)
			}
			if strings.Count(body, "\n") != 1 || !strings.HasSuffix(body, "\n") || strings.Contains(body, "\r") {
				t.Errorf("body is not one line: %q", body)
			}
			der, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(body, "\n"))
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"pkcs7", "-inform", "DER", "-print_certs", "-noout"}
			if test.want == nil {
				args = []string{"asn1parse", "-inform", "DER"}
			}
			out := openssl(t, der, args...)
			if got := strings.Count(out, "subject="); got != len(test.want) {
				t.Errorf("openssl reads %d certificates, want %d:\n%s", got, len(test.want), out)
			}
			for _, name := range test.want {
				if !strings.Contains(out, name) {
					t.Errorf("openssl does not find %s:\n%s", name, out)
				}
			}
		})
	}
}

func openssl(t *testing.T, input []byte, args ...string) string {
	t.Helper()
	command := exec.Command("openssl", args...)
	command.Stdin = bytes.NewReader(input)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestBodies(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(csr)
	wrap := func(every int, with string) string {
		var lines []string
		for rest := text; rest != ""; {
			n := min(every, len(rest))
			lines, rest = append(lines, rest[:n]), rest[n:]
		}
		return strings.Join(lines, with) + with
	}
	most := bytes.Repeat([]byte{'A'}, ca.MaxCSRSize)
	for _, test := range []struct {
		name, mediaType, body string
		noLength              bool
		wrongTicket           bool
		want                  int
	}{
		{name: "one line", body: text, want: 200},
		{name: "one line and newline", body: text + "\n", want: 200},
		{name: "LF every 64", body: wrap(64, "\n"), want: 200},
		{name: "CRLF every 76", body: wrap(76, "\r\n"), want: 200},
		{name: "CRLF every 64, chunked", body: wrap(64, "\r\n"), noLength: true, want: 200},
		{name: "with parameters", mediaType: "Application/PKCS10; charset=us-ascii", body: text, want: 200},
		{name: "the greatest", body: base64.StdEncoding.EncodeToString(most), want: 200},
		{name: "one octet more", body: base64.StdEncoding.EncodeToString(append(most, 'A')), want: 413},
		{name: "far too large", body: strings.Repeat("A", 1<<20), want: 413},
		{name: "far too large, chunked", body: strings.Repeat("A", 1<<20), noLength: true, want: 413},
		{name: "no media type", mediaType: "none", body: text, want: 400},
		{name: "a form", mediaType: "application/x-www-form-urlencoded", body: text, want: 400},
		{name: "DER as it is", body: string(csr), want: 400},
		{name: "DER as it is, wrong ticket", body: string(csr), wrongTicket: true, want: 401},
		{name: "cut", body: text[:len(text)-1], want: 400},
		{name: "PEM", body: "-----BEGIN CERTIFICATE REQUEST-----\n" + text, want: 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := post("/.well-known/est/simpleenroll", test.body)
			r.SetBasicAuth("SN1", "T")
			switch test.mediaType {
			case "":
			case "none":
				r.Header.Del("Content-Type")
			default:
				r.Header.Set("Content-Type", test.mediaType)
			}
			if test.noLength {
				r.ContentLength = -1
			}
			p := &path{}
			if test.wrongTicket {
				p.refusal = enroll.Refuse(enroll.Unauthenticated, "no")
			}
			answer := serve(newDoor(t, p), r)
			if answer.StatusCode != test.want {
				t.Errorf("status %d, want %d: %s", answer.StatusCode, test.want, readAll(t, answer))
			}
			if len(p.asked) != 1 || (p.asked[0].Fault == nil) != (test.want == 200) {
				t.Errorf("handed on: %+v", p.asked)
			}
		})
	}
}
