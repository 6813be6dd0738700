package oidc_test

import (
	"reflect"
	"testing"

	"github.com/touchmark/touchmark/identity"
)

// What groups give without a token at hand is what a token that lists them gives.
func TestStanding(t *testing.T) {
	p := startProvider(t)
	key := newRSA(t, "1")
	p.publish(key)
	v, _ := verifierOf(t, p, nil)
	groups := []string{"line", "x", "pki-admins", "line"}
	who, err := v.Verify(t.Context(), p.token(key, nil, m{"groups": groups}))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Standing(p.URL, groups); len(got) != 2 || !reflect.DeepEqual(got, who.Grants) {
		t.Errorf("groups give %v, and in a token %v", got, who.Grants)
	}
	for issuer, groups := range map[string][]string{p.URL: {"x", string(identity.BreakGlassRole)}, "https://other.example": {"pki-admins"}} {
		if got := v.Standing(issuer, groups); got != nil {
			t.Errorf("%v of %s give %v", groups, issuer, got)
		}
	}
}
