package est_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func FuzzTransferDecode(f *testing.F) {
	f.Add([]byte(base64.StdEncoding.EncodeToString(csr)))
	f.Add([]byte("MIIB\r\nAgEA\r\n"))
	f.Add([]byte(" A\tA A\n="))
	f.Add([]byte("=="))
	f.Add([]byte("AAAA===="))
	f.Add([]byte{0x30, 0x82, 0x01, 0x00})
	for _, p := range payload.CSRs() {
		f.Add([]byte(base64.StdEncoding.EncodeToString(p.Bytes)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		der, err := est.TransferDecode(bytes.Clone(text))
		if err != nil {
			return
		}
		again, err := est.TransferDecode(est.TransferEncode(der))
		if err != nil || !bytes.Equal(again, der) {
			t.Fatalf("%q is read as %x, and what that is written as as %x (%v)", text, der, again, err)
		}
	})
}
