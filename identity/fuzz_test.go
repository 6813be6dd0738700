package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/identity"
)

// FuzzNames reads each name that stands in addresses, subjects and records. What is
// taken is ASCII that needs no escaping anywhere, and reads back as it was.
func FuzzNames(f *testing.F) {
	for _, text := range payload.Texts() {
		f.Add(string(text.Bytes))
	}
	for _, text := range []string{"TH20-SN1", "a-b-c", "-", "/", "/berlin/line-3", "//", "/..", "/a/", strings.Repeat("a", 64), "person:00000000000000000000000000000000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, modelErr := identity.ParseModel(text)
		_, serialErr := identity.ParseSerialNumber(text)
		id, idErr := identity.ParseDeviceID(text)
		path, pathErr := identity.ParseFleetPath(text)
		_, urnErr := identity.PersonURN(text)
		taken := false
		for _, err := range []error{modelErr, serialErr, idErr, pathErr, urnErr} {
			taken = taken || err == nil
			if err != nil && !errors.Is(err, identity.ErrName) {
				t.Errorf("%q: error without the sentinel: %v", text, err)
			}
		}
		if taken && strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"'<>&=+@\%`, r) }) {
			t.Errorf("%q is taken", text)
		}
		if idErr == nil && identity.NewDeviceID(id.Model(), id.SerialNumber()) != id {
			t.Errorf("%q is split into %q and %q", id, id.Model(), id.SerialNumber())
		}
		if pathErr != nil {
			return
		}
		again := identity.RootFleet
		for _, segment := range path.Segments() {
			again = again.Child(segment)
		}
		if again != path {
			t.Errorf("%q is put together as %q", path, again)
		}
	})
}
