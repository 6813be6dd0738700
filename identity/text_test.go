package identity_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/identity"
)

func TestPrintable(t *testing.T) {
	for _, text := range payload.Texts() {
		if identity.Printable(string(text.Bytes)) {
			t.Errorf("%s is taken: %q", text.Name, text.Bytes)
		}
	}
	for _, text := range append(payload.Prints(), payload.Payload{Name: "nothing"}) {
		if !identity.Printable(string(text.Bytes)) {
			t.Errorf("%s is refused: %q", text.Name, text.Bytes)
		}
	}
	if identity.Printable("\xff") {
		t.Error("takes what is not UTF-8")
	}
}

func FuzzPrintable(f *testing.F) {
	for _, text := range append(payload.Texts(), payload.Prints()...) {
		f.Add(string(text.Bytes))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !identity.Printable(text) {
			return
		}
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		for _, r := range text {
			if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || unicode.IsSpace(r) && r != ' ' {
				t.Errorf("%q has %U", text, r)
			}
		}
	})
}
