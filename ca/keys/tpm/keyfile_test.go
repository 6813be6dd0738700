package tpm_test

import (
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca/keys/tpm"
)

func TestParseKeyFile(t *testing.T) {
	good := tpm.KeyFile{EmptyAuth: true, Public: []byte{1, 2}, Private: []byte{3}}
	text, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tpm.ParseKeyFile(text); err != nil || !reflect.DeepEqual(got, good) {
		t.Errorf("%+v, %v", got, err)
	}
	block, _ := pem.Decode(text)
	wrap := func(der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "TSS2 PRIVATE KEY", Bytes: der})
	}
	other := func(oid asn1.ObjectIdentifier, parent int64) []byte {
		der, err := asn1.Marshal(struct {
			Type            asn1.ObjectIdentifier
			Parent          int64
			Public, Private []byte
		}{oid, parent, []byte{1}, []byte{2}})
		if err != nil {
			t.Fatal(err)
		}
		return wrap(der)
	}
	for name, test := range map[string]struct {
		text []byte
		word string
	}{
		"nothing":       {nil, "BEGIN TSS2"},
		"another block": {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: block.Bytes}), "BEGIN TSS2"},
		"two":           {append(append([]byte{}, text...), text...), "want one"},
		"cut":           {wrap(block.Bytes[:len(block.Bytes)-1]), "no TPMKey"},
		"more":          {wrap(append(append([]byte{}, block.Bytes...), 0)), "follow"},
		"importable":    {other(asn1.ObjectIdentifier{2, 23, 133, 10, 1, 4}, 0x40000001), "loadable"},
		"other parent":  {other(asn1.ObjectIdentifier{2, 23, 133, 10, 1, 3}, 0x81000001), "parent"},
		"huge":          {[]byte(strings.Repeat("x", 32<<10)), "larger"},
	} {
		if _, err := tpm.ParseKeyFile(test.text); !errors.Is(err, tpm.ErrKeyFile) || !strings.Contains(err.Error(), test.word) {
			t.Errorf("%s: %v, want one saying %q", name, err, test.word)
		}
	}
}

func FuzzParseKeyFile(f *testing.F) {
	good, err := tpm.KeyFile{Public: []byte{1, 2}, Private: []byte{3}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := tpm.ParseKeyFile(text)
		if err != nil {
			return
		}
		again, err := key.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := tpm.ParseKeyFile(again); err != nil || !reflect.DeepEqual(back, key) {
			t.Errorf("%+v became %+v, %v", key, back, err)
		}
	})
}
