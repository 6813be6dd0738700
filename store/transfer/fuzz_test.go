package transfer_test

import (
	"errors"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/storetest"
	"github.com/touchmark/touchmark/store/transfer"
)

// FuzzEntries copies a shard with any octets for its entries: they arrive octet
// for octet, or the source is refused.
func FuzzEntries(f *testing.F) {
	var serial ca.Serial
	serial[0] = 0x40
	good := ca.EncodeCRLEntry(serial, epoch(), ca.KeyCompromise)
	other := serial
	other[19] = 1
	f.Add(good)
	f.Add(append(good, ca.EncodeCRLEntry(other, epoch(), ca.Unspecified)...))
	f.Add(good[:len(good)-1])
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		from, to := storetest.NewMemory(), storetest.NewMemory()
		key := enroll.ShardKey{Issuer: "issuer-0", Shard: "86400-1-0-0"}
		update(t, from, func(tx enroll.Tx) error {
			return errors.Join(
				tx.PutInstallation(enroll.Installation{PseudonymKey: make([]byte, 32)}),
				tx.PutShard(enroll.Shard{ShardKey: key}), tx.PutCRLEntry(key, serial, der),
			)
		})
		if _, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: to}); err != nil {
			return
		}
		err := to.View(t.Context(), func(r enroll.Reader) error {
			copied, _, err := r.CRLEntries(key)
			if string(copied) != string(der) {
				t.Errorf("%x became %x", der, copied)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
