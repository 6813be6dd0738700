package est_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/smallstep/pkcs7"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/api/rest/resttest"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// newKeygenLine is newLine where keys are made, and everything is logged.
func newKeygenLine(t *testing.T) (*line, *bytes.Buffer) {
	t.Helper()
	l := newLine(t)
	var logged bytes.Buffer
	door, err := est.New(est.Config{
		Service: l.service, ServerKeygen: true, Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.door = door
	return l, &logged
}

// keygen asks for a key by a ticket.
func (l *line) keygen(serial, ticket, csr string) *http.Response {
	r := post("/.well-known/est/serverkeygen", csr)
	r.SetBasicAuth(serial, ticket)
	return serve(l.door, r)
}

// readParts reads the answer of serverkeygen as a client does: a key in PKCS#8, and
// the certificate for it.
func readParts(t *testing.T, answer *http.Response) (crypto.Signer, *x509.Certificate, []byte) {
	t.Helper()
	body := readAll(t, answer)
	mediaType, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/mixed" || answer.StatusCode != 200 {
		t.Fatalf("status %d, header %v: %v", answer.StatusCode, answer.Header, err)
	}
	if answer.Header.Get("Content-Length") != strconv.Itoa(len(body)) || len(answer.TransferEncoding) > 0 || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v, for %d octets", answer.Header, len(body))
	}
	reader := multipart.NewReader(strings.NewReader(body), parameters["boundary"])
	read := func(mediaType string) []byte {
		part, err := reader.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if part.Header.Get("Content-Type") != mediaType || part.Header.Get("Content-Transfer-Encoding") != "base64" {
			t.Errorf("a part has the header %v, want %s", part.Header, mediaType)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		der, err := base64.StdEncoding.DecodeString(strings.TrimRight(string(text), "\r\n"))
		if err != nil {
			t.Fatalf("a part is no base64 in one line: %v", err)
		}
		return der
	}
	pkcs8 := read("application/pkcs8")
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := pkcs7.Parse(read("application/pkcs7-mime; smime-type=certs-only"))
	if err != nil || len(packed.Certificates) != 1 {
		t.Fatalf("the answer holds %v (%v), want the one certificate that was issued", packed, err)
	}
	if _, err := reader.NextRawPart(); err != io.EOF {
		t.Errorf("after two parts: %v", err)
	}
	return key.(crypto.Signer), packed.Certificates[0], pkcs8
}

func TestServerKeygen(t *testing.T) {
	l, logged := newKeygenLine(t)
	ticket, asking := l.ticket("SN1"), resttest.NewKey(t)
	key, certificate, pkcs8 := readParts(t, l.keygen("SN1", ticket, csrOf(t, asking)))
	public := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !public.Equal(certificate.PublicKey) || public.Equal(asking.Public()) || certificate.Subject.CommonName != "TH20-SN1" {
		t.Errorf("the certificate of %s is for another key than the one that came with it", certificate.Subject)
	}
	for _, secret := range []string{base64.StdEncoding.EncodeToString(pkcs8), hex.EncodeToString(pkcs8), string(pkcs8)} {
		if strings.Contains(logged.String(), secret[20:60]) {
			t.Error("the private key is in the log")
		}
	}
	// Once, and never again.
	answer := l.keygen("SN1", ticket, csrOf(t, asking))
	if body := wantWords(t, answer); answer.StatusCode != 409 || !strings.HasPrefix(body, "clone_suspected: ") {
		t.Errorf("again: %d %q", answer.StatusCode, body)
	}
	// By its certificate, the device gets a new one with a new key.
	r := presenting(post("/x/.well-known/est/serverkeygen", csrOf(t, asking)), certificate)
	renewed, next, _ := readParts(t, serve(l.door, r))
	if public.Equal(renewed.Public()) || next.Subject.CommonName != "TH20-SN1" || next.Equal(certificate) {
		t.Errorf("renewed as %s", next.Subject)
	}
}

// Nobody without proof gets a key, and what is wrong with a request is told to others
// as it is of simpleenroll.
func TestServerKeygenRefused(t *testing.T) {
	l, _ := newKeygenLine(t)
	ticket := l.ticket("SN1")
	encrypted := certstest.Attribute{ID: []int{1, 2, 840, 113549, 1, 9, 16, 2, 54}, Values: [][]byte{{4, 1, 7}}}
	good := csrOf(t, resttest.NewKey(t))
	for name, test := range map[string]struct {
		answer *http.Response
		status int
		says   string
	}{
		"no proof":           {serve(l.door, post("/.well-known/est/serverkeygen", good)), 401, ""},
		"a wrong ticket":     {l.keygen("SN1", "wrong", good), 401, ""},
		"a stranger's":       {serve(l.door, presenting(post("/.well-known/est/serverkeygen", good), certificate(t, "stranger"))), 401, ""},
		"no base64":          {l.keygen("SN1", ticket, "no base64!"), 400, "bad_request: "},
		"no request":         {l.keygen("SN1", ticket, "AAAA"), 400, "bad_csr: "},
		"a kind not made":    {l.keygen("SN1", ticket, base64.StdEncoding.EncodeToString(certstest.CSR(t, certstest.Key(t, certstest.RSA1024), "x"))), 400, "weak_key: "},
		"asks for a cipher":  {l.keygen("SN1", ticket, base64.StdEncoding.EncodeToString(certstest.CSRWith(t, resttest.NewKey(t), encrypted))), 400, "bad_csr: "},
		"far too large":      {l.keygen("SN1", ticket, strings.Repeat("A", 1<<20)), 413, "too_large: "},
		"by another's label": {serve(l.door, withTicket(post("/0000000000000000/.well-known/est/serverkeygen", good), "SN1", ticket)), 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if test.answer.StatusCode != test.status {
				t.Fatalf("status %d, want %d: %s", test.answer.StatusCode, test.status, readAll(t, test.answer))
			}
			if test.status == 401 {
				if body := readAll(t, test.answer); body != "" || test.answer.Header["WWW-Authenticate"] == nil {
					t.Errorf("a 401 with body %q and header %v", body, test.answer.Header)
				}
				return
			}
			if body := wantWords(t, test.answer); !strings.HasPrefix(body, test.says) || strings.Contains(body, "PRIVATE") {
				t.Errorf("says %q, want %s", body, test.says)
			}
		})
	}
	readParts(t, l.keygen("SN1", ticket, good)) // none of that spent the ticket
}

func withTicket(r *http.Request, serial, ticket string) *http.Request {
	r.SetBasicAuth(serial, ticket)
	return r
}

// A path that answers without a key is a fault of ours, and tells nothing.
func TestServerKeygenWithoutAKey(t *testing.T) {
	p := &path{}
	newDoor(t, p) // fills in what p answers
	door, err := est.New(est.Config{Service: p, ServerKeygen: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	answer := serve(door, enrolRequest("/.well-known/est/serverkeygen"))
	if body := wantWords(t, answer); answer.StatusCode != 500 || strings.Contains(body, "key") || !p.asked[0].MakeKey {
		t.Errorf("%d %q", answer.StatusCode, body)
	}
}

// What waits for approval is 202 with Retry-After and words (RFC 7030, section 4.2.3),
// whichever way it was asked for.
func TestWhateverWaitsIsToldWhen(t *testing.T) {
	l, _ := newKeygenLine(t)
	admin := resttest.Principal(identity.Admin)
	_, err := l.service.SetFleetPolicy(t.Context(), admin, "/berlin", policy.Config{Approval: []policy.Subject{policy.SubjectEnrolment}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for operation, serial := range map[string]string{"simpleenroll": "SN1", "serverkeygen": "SN2"} {
		csr, ticket := csrOf(t, resttest.NewKey(t)), l.ticket(serial)
		ask := func() *http.Response {
			return serve(l.door, withTicket(post("/.well-known/est/"+operation, csr), serial, ticket))
		}
		for range 2 {
			answer := ask()
			if body := wantWords(t, answer); answer.StatusCode != 202 || answer.Header.Get("Retry-After") != "60" || !strings.HasPrefix(body, "waiting: ") {
				t.Fatalf("%s: %d, header %v: %s", operation, answer.StatusCode, answer.Header, body)
			}
		}
		other := admin
		other.Subject = "another"
		waiting, err := l.service.Approvals(t.Context(), other, true, enroll.Page{Limit: 10})
		if err != nil || len(waiting.Items) != 1 {
			t.Fatalf("%s: %d wait, want 1 (%v)", operation, len(waiting.Items), err)
		}
		if _, err := l.service.Approve(t.Context(), other, string(waiting.Items[0].ID), ""); err != nil {
			t.Fatal(err)
		}
		if answer := ask(); answer.StatusCode != 200 {
			t.Errorf("%s, approved: %d %s", operation, answer.StatusCode, readAll(t, answer))
		}
	}
	// No policy has renewals wait, but a path that does is told of the same way.
	p := &path{refusal: &enroll.Waiting{Approval: enroll.Approval{ID: "r1"}, RetryAfter: 1500e6}}
	answer := serve(newDoor(t, p), presenting(post("/.well-known/est/simplereenroll", csrOf(t, resttest.NewKey(t))), certificate(t, "device")))
	if body := wantWords(t, answer); answer.StatusCode != 202 || answer.Header.Get("Retry-After") != "2" || !strings.Contains(body, "r1") {
		t.Errorf("simplereenroll: %d, header %v: %s", answer.StatusCode, answer.Header, body)
	}
}
