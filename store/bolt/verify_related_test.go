package bolt_test

import (
	"errors"
	"os"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
	"go.etcd.io/bbolt"
)

// related returns the copy of a store whose first device names an order wherever
// it can, has its newest certificate and the key that its ticket was used by. The
// certificate and the key of the last one have left for the archive where archives
// is set.
func related(t *testing.T, archives bool) (whole []byte, key ca.KeyHash) {
	t.Helper()
	path := written(t, backup(t, 3))
	s := must(bolt.Open(t.Context(), bolt.Config{Path: path}))(t)
	err := s.Update(t.Context(), func(tx enroll.Tx) error {
		d, err := tx.Device(deviceID(0))
		if err != nil {
			return err
		}
		list, err := tx.Certificates(enroll.CertificateFilter{Device: d.ID})
		if err != nil || len(list.Items) != 1 {
			return errors.Join(err, errors.New("the device has not one certificate"))
		}
		c := list.Items[0]
		key = c.Key
		d.Order, d.Newest = "order-1", &enroll.LiveCertificate{Serial: c.Serial, Key: c.Key, Status: enroll.StatusGood}
		d.Ticket = &enroll.Ticket{Order: "order-1", UsedBy: &c.Key}
		d.Enrolment = &enroll.Enrolment{Order: "order-1", Key: c.Key, Serial: c.Serial}
		if err := tx.PutDevice(d); err != nil || !archives {
			return err
		}
		last, err := tx.Certificates(enroll.CertificateFilter{Device: deviceID(2)})
		if err != nil {
			return err
		}
		gone := last.Items[0]
		return errors.Join(tx.DeleteCertificate(gone.Serial), tx.DeleteKey(gone.Key), tx.PutSegment(enroll.Segment{
			Kind: enroll.CertificateSegments, First: gone.Serial[:], Last: gone.Serial[:], Items: 1, Name: "certificates", Digest: [32]byte{1},
		}))
	})
	if err := errors.Join(err, s.Close(), bolt.Verify(path)); err != nil {
		t.Fatal(err)
	}
	return must(os.ReadFile(path))(t), key
}

func TestVerifyFindsWhatIsNamedButMissing(t *testing.T) {
	whole, key := related(t, false)
	lost, kept := related(t, true)
	loseOrder := func(tx *bbolt.Tx) error {
		return errors.Join(removeLast("orders")(tx), removeLast("fleet-orders")(tx), removeLast("quotas")(tx), removeLast("refusals")(tx))
	}
	for name, c := range map[string]struct {
		whole  []byte
		change func(*bbolt.Tx) error
		says   string
	}{
		"the key of a certificate":                  {whole, remove("keys", key[:]), "keys does not have it"},
		"another key":                               {whole, removeLast("keys"), "keys does not have it"},
		"the order of a device":                     {whole, loseOrder, "orders does not have it"},
		"the key of a device, beside the archive":   {lost, remove("keys", kept[:]), "keys does not have it"},
		"the order of a device, beside the archive": {lost, loseOrder, "orders does not have it"},
	} {
		t.Run(name, func(t *testing.T) { damaged(t, c.whole, c.change, c.says) })
	}
}
