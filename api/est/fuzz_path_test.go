package est_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// FuzzPaths asks for every address by every method: labels are foreign text. What is
// answered is a status of the table and, where it is a refusal, a line for people; and
// a label is handed on as it stands in the address, or there is none.
func FuzzPaths(f *testing.F) {
	for _, path := range []string{
		"/.well-known/est/cacerts", "/.well-known/est/06h27rqliomkqm10/simpleenroll", "/06h27rqliomkqm10/.well-known/est/csrattrs",
		"/.well-known/est/serverkeygen", "/.well-known/est/fullcmc", "/.well-known/est/a%2fb/cacerts", "//.well-known/est//csrattrs",
		"/.well-known/est/%00%ff/csrattrs", "/.well-known/est/../cacerts", "/{order}/.well-known/est/cacerts", "*",
	} {
		for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS"} {
			f.Add(method, path)
		}
	}
	p := &path{}
	door := newDoor(f, p)
	f.Fuzz(func(t *testing.T, method, address string) {
		target, err := url.ParseRequestURI(address)
		if err != nil || strings.ContainsFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) || method == "" {
			return // net/http does not hand it on
		}
		p.asked = nil
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.URL, r.RequestURI = method, target, address
		r.SetBasicAuth("SN1", "T")
		r.Header.Set("Content-Type", "application/pkcs10")
		answer := serve(door, r)
		switch answer.StatusCode {
		case 200, 401:
		case 400, 404, 405:
			wantWords(t, answer)
		default:
			t.Errorf("status %d", answer.StatusCode)
		}
		for _, asked := range p.asked {
			if label := asked.Evidence.(enroll.TicketEvidence).Label; label != "" && !strings.Contains(target.Path, label) && !strings.Contains(target.EscapedPath(), label) {
				t.Errorf("the label %q is not in %q", label, address)
			}
		}
	})
}
