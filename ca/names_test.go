package ca_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestReasonsRoundTrip(t *testing.T) {
	want := map[ca.Reason]string{
		0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded", 5: "cessationOfOperation",
		6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise",
	}
	if len(ca.Reasons()) != len(want) {
		t.Errorf("%d reasons, RFC 5280 has %d", len(ca.Reasons()), len(want))
	}
	for _, r := range ca.Reasons() {
		if r.String() != want[r] {
			t.Errorf("reason %d is %q, want %q", int(r), r, want[r])
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got ca.Reason
		if err := json.Unmarshal(text, &got); err != nil || got != r {
			t.Errorf("%s is read as %v, %v", text, got, err)
		}
	}
}

func TestReasonsAreAClosedSet(t *testing.T) {
	for _, text := range []string{"", "keycompromise", "KeyCompromise", "1", "Reason(7)"} {
		if r, err := ca.ParseReason(text); err == nil {
			t.Errorf("ParseReason(%q) = %v", text, r)
		}
	}
	if _, err := ca.Reason(7).MarshalText(); err == nil {
		t.Error("reason 7, which RFC 5280 does not use, was written")
	}
}

func TestKeyHashRoundTrip(t *testing.T) {
	h, err := ca.HashKey(certstest.Key(t, certstest.P256).Public())
	if err != nil {
		t.Fatal(err)
	}
	text, err := h.MarshalText()
	if err != nil || len(text) != 64 || string(text) != strings.ToLower(h.String()) {
		t.Errorf("MarshalText = %s, %v", text, err)
	}
	var got ca.KeyHash
	if err := got.UnmarshalText(text); err != nil || got != h || got.IsZero() {
		t.Errorf("read back as %s, %v", got, err)
	}
	for _, bad := range []string{"", "00", strings.Repeat("x", 64), strings.Repeat("00", 33)} {
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("UnmarshalText(%q) did not fail", bad)
		}
	}
	if _, err := ca.HashKey("no key"); err == nil {
		t.Error("a string has a key hash")
	}
}
