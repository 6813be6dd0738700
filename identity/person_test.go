package identity_test

import (
	"errors"
	"testing"

	"github.com/touchmark/touchmark/identity"
)

func TestPersonURN(t *testing.T) {
	for pseudonym, want := range map[string]string{
		"person:00000000000000000000000000000000": "urn:uuid:00000000-0000-8000-8000-000000000000",
		"person:ffffffffffffffffffffffffffffffff": "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff",
		"person:0123456789abcdef0123456789abcdef": "urn:uuid:01234567-89ab-8def-8123-456789abcdef",
	} {
		got, err := identity.PersonURN(pseudonym)
		if err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pseudonym, got, err, want)
		}
	}
	for _, other := range []string{"", "person:", "person:0123", "oidc:x#y", "group:x#y", "0123456789abcdef0123456789abcdef", "person:0123456789abcdef0123456789abcdefff", "person:0123456789abcdeg0123456789abcdef"} {
		if got, err := identity.PersonURN(other); !errors.Is(err, identity.ErrName) {
			t.Errorf("%q is %s, %v", other, got, err)
		}
	}
}
