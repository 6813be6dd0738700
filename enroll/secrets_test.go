package enroll_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// Nothing that opens an enrolment, a claim or the whole service is in the store: who
// reads it, or a backup of it, finds hashes.
func TestSecretsAreKeptAsHashes(t *testing.T) {
	r := newRig(t)
	order := r.order(2)
	ticket := r.ticket(order, "SN2")
	issued, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	breakGlass, err := r.RotateBreakGlass(t.Context(), r.admin)
	check(t, err)
	_, err = r.BreakGlassPrincipal(t.Context(), breakGlass, "192.0.2.1", "order.create")
	check(t, err)
	code := r.drawn(issued.Device)
	shown := r.started(issued).UserCode
	content, err := os.ReadFile(r.path)
	check(t, err)
	if !bytes.Contains(content, []byte(order.ID)) {
		t.Fatal("the store does not know the order; does this test still see it?")
	}
	for name, secret := range map[string]string{
		"a ticket": strings.TrimPrefix(ticket, string(order.ID)+"-"), "the break-glass token": strings.TrimPrefix(breakGlass, "tmbg_"),
		"a code from the line": strings.TrimPrefix(code, "tmcl_"), "a code that a device shows": shown,
		"a code that a device shows, without its hyphen": strings.ReplaceAll(shown, "-", ""),
	} {
		if len(secret) < 8 || bytes.Contains(bytes.ToLower(content), bytes.ToLower([]byte(secret))) {
			t.Errorf("%s is in the store as it was told", name)
		}
	}
	if n := r.count(enroll.TicketsDrawn); n != 1 {
		t.Errorf("%d draws are in the log", n)
	}
}
