package clientcmd_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

const (
	aToken = `{"id":"t1","name":"line 3","maker":"oidc:x#mia","maker_name":"Mia","fleet":"/b","permissions":["order.read","ticket.draw"],"holds":["order.read"],"until":"2027-05-01T17:00:00Z","old_until":null,"created_at":"2027-01-31T17:00:00Z","last_used":null`
	aText  = `tmst_text`
)

// TestTokenRequests holds each command about tokens to the one request that it makes.
func TestTokenRequests(t *testing.T) {
	for _, c := range []struct{ name, args, line, body, answer string }{
		{
			"a token", "token create --name line3 --fleet /b --permissions ticket.draw,order.read", "POST /api/v1/tokens",
			`{"name":"line3","fleet":"/b","permissions":["ticket.draw","order.read"],"until":"2027-05-01T17:00:00Z"}`, aToken + `,"token":"` + aText + `"}`,
		},
		{
			"a token with an end", "token create --name line3 --fleet /b --permissions order.read --until 2027-02-28", "POST /api/v1/tokens",
			`{"name":"line3","fleet":"/b","permissions":["order.read"],"until":"2027-02-28T00:00:00Z"}`, aToken + `,"token":"` + aText + `"}`,
		},
		{"a token shown", "token show t1", "GET /api/v1/tokens/t1", "", aToken + `}`},
		{"a token rotated", "token rotate t1", "POST /api/v1/tokens/t1/rotate", `{"overlap":"24h0m0s"}`, aToken + `,"token":"` + aText + `"}`},
		{"a token rotated at once", "token rotate t1 --overlap 0 --until +7d", "POST /api/v1/tokens/t1/rotate", `{"until":"2027-02-07T17:00:00Z"}`, aToken + `,"token":"` + aText + `"}`},
		{"a token rotated slowly", "token rotate t1 --overlap 30d", "POST /api/v1/tokens/t1/rotate", `{"overlap":"720h0m0s"}`, aToken + `,"token":"` + aText + `"}`},
		{"a token revoked", "token revoke t1", "POST /api/v1/tokens/t1/revoke", "", aToken + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := opened(t, says(c.answer))
			text, note, err := d.typed(t, strings.Fields(c.args)...)
			if err != nil {
				t.Fatal(err)
			}
			told := strings.HasSuffix(text, "\n"+aText+"\n")
			if !strings.Contains(text, "Mia (oidc:x#mia)") || told != strings.Contains(c.answer, aText) || told != strings.Contains(note, "never again") {
				t.Errorf("for people it says %q, and notes %q", text, note)
			}
			if got := d.requests(); len(got) != 1 || got[0].line != c.line || got[0].body != c.body {
				t.Errorf("asked %q", got)
			}
			text, note, err = d.typed(t, append(strings.Fields(c.args), "--json")...)
			if err != nil || text != c.answer+"\n" || note != "" {
				t.Errorf("with --json it says %q %q, %v", text, note, err)
			}
		})
	}
}

func TestTokenList(t *testing.T) {
	d := opened(t, says(`{"items":[`+aToken+`}],"next":""}`))
	text, _, err := d.typed(t, "token", "list", "--fleet", "/b", "--maker", "oidc:x#mia", "--limit", "5", "--after", "m")
	want := "TOKEN  NAME    FLEET  UNTIL                 LAST USED  HOLDS       MAKER\n" +
		"t1     line 3  /b     2027-05-01T17:00:00Z             order.read  Mia (oidc:x#mia)\n"
	if err != nil || text != want {
		t.Errorf("says %q, %v", text, err)
	}
	if got := d.requests()[0].line; got != "GET /api/v1/tokens?after=m&fleet=%2Fb&limit=5&maker=oidc%3Ax%23mia" {
		t.Errorf("asked %s", got)
	}
}

// A text that cannot be written is not asked for, and one that was refused leaves the
// file as it was.
func TestTokenFile(t *testing.T) {
	d := opened(t, says(aToken+`,"token":"`+aText+`"}`))
	create := []string{"token", "create", "--name", "x", "--fleet", "/b", "--permissions", "order.read", "--out"}
	if _, _, err := d.typed(t, append(create, d.path("missing/file"))...); err == nil || len(d.requests()) != 0 {
		t.Errorf("asked %q, %v", d.requests(), err)
	}
	text, _, err := d.typed(t, append(create, d.path("file"))...)
	if err != nil || strings.Contains(text, aText) {
		t.Errorf("says %q, %v", text, err)
	}
	kept := func() string {
		content, err := os.ReadFile(d.path("file"))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if kept() != aText+"\n" {
		t.Errorf("the file holds %q", kept())
	}
	refusing := opened(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		tell(w, "application/problem+json", http.StatusForbidden, `{"status":403,"code":"`+string(enroll.Forbidden)+`","detail":"no"}`)
	})
	if _, _, err := refusing.typed(t, "token", "rotate", "t1", "--out", d.path("file")); err == nil || kept() != aText+"\n" {
		t.Errorf("refused with %v, the file holds %q", err, kept())
	}
}
