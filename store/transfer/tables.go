package transfer

import (
	"encoding/hex"
	"errors"

	"github.com/touchmark/touchmark/enroll"
)

// tables are the kinds of rows that are listed as they are kept, in the order in
// which they are copied. Fleets and the log are apart.
func tables(batch int) []rows {
	return []rows{
		&table[enroll.Person]{
			what: "people", batch: batch, key: func(p enroll.Person) string { return p.Pseudonym },
			list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Person], error) { return r.People(p) },
			put:  func(tx enroll.Tx, p enroll.Person) error { return tx.PutPerson(p) },
		},
		&table[enroll.IssuerRecord]{
			what: "issuers", batch: batch, key: func(i enroll.IssuerRecord) string { return i.ID },
			list: func(r enroll.Reader, _ enroll.Page) (enroll.List[enroll.IssuerRecord], error) {
				all, err := r.Issuers()
				return enroll.List[enroll.IssuerRecord]{Items: all}, err
			},
			put: func(tx enroll.Tx, i enroll.IssuerRecord) error { return tx.PutIssuer(i) },
		},
		fleets{batch},
		&table[enroll.Document]{
			what: "documents", batch: batch, key: func(d enroll.Document) string { return string(d.Kind) + separator + d.Key },
			list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Document], error) {
				return r.Documents("", "", p)
			},
			put:    func(tx enroll.Tx, d enroll.Document) error { return tx.PutDocument(d.Kind, d.Key, d.Data) },
			remove: func(tx enroll.Tx, d enroll.Document) error { return tx.DeleteDocument(d.Kind, d.Key) },
			size:   func(d enroll.Document) int { return len(d.Data) },
		},
		&table[enroll.Order]{
			what: "orders", batch: batch, key: func(o enroll.Order) string { return string(o.ID) },
			list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Order], error) {
				return r.Orders(enroll.OrderFilter{Page: p})
			},
			put: putOrder,
		},
		&table[shard]{
			what: "shards", batch: min(batch, shardsPart), part: shardsPart, key: shard.key, list: listShards,
			put:    func(tx enroll.Tx, s shard) error { return s.put(tx) },
			remove: func(tx enroll.Tx, s shard) error { return tx.DeleteShard(s.ShardKey) },
		},
		&table[enroll.Certificate]{
			what: "certificates", batch: batch, key: func(c enroll.Certificate) string { return c.Serial.String() },
			list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Certificate], error) {
				return r.Certificates(enroll.CertificateFilter{Page: p})
			},
			put:    func(tx enroll.Tx, c enroll.Certificate) error { return tx.PutCertificate(c) },
			remove: func(tx enroll.Tx, c enroll.Certificate) error { return tx.DeleteCertificate(c.Serial) },
		},
		&table[enroll.Device]{
			what: "devices", batch: batch, key: func(d enroll.Device) string { return string(d.ID) },
			list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Device], error) {
				return r.Devices(enroll.DeviceFilter{Page: p})
			},
			put: func(tx enroll.Tx, d enroll.Device) error { return tx.PutDevice(d) },
		},
		&table[enroll.KnownKey]{
			what: "keys", batch: batch, key: func(k enroll.KnownKey) string { return k.Hash.String() },
			list:   func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.KnownKey], error) { return r.Keys(p) },
			put:    func(tx enroll.Tx, k enroll.KnownKey) error { return tx.PutKey(k.Hash, k.KeyUse) },
			remove: func(tx enroll.Tx, k enroll.KnownKey) error { return tx.DeleteKey(k.Hash) },
		},
		segments(enroll.CertificateSegments, batch),
		segments(enroll.RecordSegments, batch),
	}
}

// segments are the files of the archive that hold one kind of things.
func segments(kind enroll.SegmentKind, batch int) *table[enroll.Segment] {
	return &table[enroll.Segment]{
		what: "segments of " + string(kind), batch: batch,
		key: func(s enroll.Segment) string { return hex.EncodeToString(s.Last) },
		list: func(r enroll.Reader, p enroll.Page) (enroll.List[enroll.Segment], error) {
			return r.Segments(kind, p)
		},
		put: func(tx enroll.Tx, s enroll.Segment) error { return tx.PutSegment(s) },
	}
}

// putOrder writes an order with its counts. Refusals can only be added, so that
// those are counted that the target lacks.
func putOrder(tx enroll.Tx, o enroll.Order) error {
	was, err := tx.Order(o.ID)
	if err != nil && !errors.Is(err, enroll.ErrNotFound) {
		return err
	}
	if err := errors.Join(tx.PutOrder(o), tx.PutEnrolled(o.ID, o.Enrolled)); err != nil {
		return err
	}
	for code, n := range o.Refused {
		if lacking := n - was.Refused[code]; lacking > 0 {
			if err := tx.CountRefusal(o.ID, code, lacking); err != nil {
				return err
			}
		}
	}
	return nil
}
