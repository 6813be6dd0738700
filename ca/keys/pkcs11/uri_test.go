package pkcs11_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca/keys/pkcs11"
)

func TestParseURI(t *testing.T) {
	for text, want := range map[string]pkcs11.URI{
		"pkcs11:token=CA;object=issuing": {Token: "CA", Object: "issuing"},
		"PKCS11:serial=0f;id=%0a%10?pin-source=file:/run/pin&module-path=/usr/lib/x.so": {
			Serial: "0f", ID: []byte{0x0a, 0x10}, PINSource: "/run/pin", ModulePath: "/usr/lib/x.so",
		},
		"pkcs11:slot-id=0;type=private;object=a%3bb%20+": {HasSlot: true, Object: "a;b +"},
		"pkcs11:model=SoftHSM%20v2;manufacturer=x;id=A":  {Model: "SoftHSM v2", Manufacturer: "x", ID: []byte("A")},
	} {
		if got, err := pkcs11.ParseURI(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for text, word := range map[string]string{
		"":                                           "pkcs11:",
		"pkcs12:token=a;object=b":                    "pkcs11:",
		"pkcs11:":                                    "no token",
		"pkcs11:object=b":                            "no token",
		"pkcs11:token=a":                             "no key",
		"pkcs11:token=a;object=%zz":                  "percent",
		"pkcs11:token=a;token=b":                     "twice",
		"pkcs11:token=a;object=b;x=y":                "not known",
		"pkcs11:token=a;object=b?x=y":                "not known",
		"pkcs11:token=a;object=b;type=cert":          "type=private",
		"pkcs11:slot-id=-1;object=b":                 "number",
		"pkcs11:token=a;object=b?module-path=x.so":   "absolute",
		"pkcs11:token=a;object=b?pin-source=|ls":     "absolute",
		"pkcs11:token=a;object=b?pin-value=geheim":   "ca.passphrase",
		"pkcs11:token=a;object=b;pin-value=geheim":   "question mark",
		"pkcs11:token=" + strings.Repeat("a", 2<<10): "2048",
	} {
		_, err := pkcs11.ParseURI(text)
		if !errors.Is(err, pkcs11.ErrURI) || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%.80s: error is %v, want one saying %q", text, err, word)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	for _, text := range []string{
		"pkcs11:token=CA;object=issuing", "pkcs11:serial=0f;id=%0a%10?pin-source=file:/run/pin&module-path=/usr/lib/x.so",
		"pkcs11:slot-id=4294967295;object=%ff", "pkcs11:token=a;object=b?pin-value=x", "pkcs11:;;;?&&",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := pkcs11.ParseURI(text)
		if err != nil {
			return
		}
		if again, err := pkcs11.ParseURI(u.String()); err == nil && !reflect.DeepEqual(again, u) {
			t.Errorf("%q is %+v, and its canonical form %s is %+v", text, u, u, again)
		} else if err != nil && len(u.String()) <= 2048 {
			t.Errorf("%q has the canonical form %s, which is refused: %v", text, u, err)
		}
	})
}
