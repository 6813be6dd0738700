package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// What no permission opens is recorded as other refusals are: once, and of a caller
// that is refused over and over one by one for a while only.
func TestRefusedClaimsAreRecordedOnce(t *testing.T) {
	r := newRig(t)
	machine := identity.Principal{Kind: identity.Certificate, Device: "GW-1"}
	for range 30 {
		_, err := r.Transfers(t.Context(), machine, enroll.Page{})
		// The door hands on what it was told, as it does with every refusal.
		if err = r.Refused(t.Context(), machine, "signed-in", err); enroll.AsRefusal(err).Code != enroll.Forbidden {
			t.Fatalf("transfers of a machine: %v, want forbidden", err)
		}
	}
	if n := len(r.refusals()); n != 20 {
		t.Errorf("30 refusals in a minute are recorded in %d events, want 20", n)
	}
}
