package keys_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca/keys"
)

// A key URI is of a kind that is built in, or refused without being repeated: it may
// hold a PIN.
func FuzzKeyURI(f *testing.F) {
	for _, seed := range []string{
		"", "issuing.key", "softkms:path=issuing.key", "SOFTKMS:", "pkcs11:token=t;object=o?pin-value=hunter2", "tpmkms:name=k;ak=true",
		"awskms:key-id=1;region=eu", "x:y", ":", "a:%zz", "../a:b", `c:\keys\a.key`, "softkms:path=%00", "\x00:\x1b[2J",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		scheme, err := keys.SchemeOf(uri)
		if err == nil {
			if scheme != "" && !slices.Contains(keys.BuiltIn(), scheme) { // "" is a file
				t.Errorf("%q is of the scheme %q, which is not built in", uri, scheme)
			}
			return
		}
		if !errors.Is(err, keys.ErrScheme) {
			t.Errorf("error without the sentinel: %v", err)
		}
		if _, secret, _ := strings.Cut(uri, ":"); len(secret) > 12 && strings.Contains(err.Error(), secret) {
			t.Errorf("%v repeats the URI", err)
		}
	})
}
