package bolt_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
	"go.etcd.io/bbolt"
)

// FuzzCursor gives every list cursors that are well-formed outside and anything
// inside. A list ends, repeats no item, and refuses what it does not know.
func FuzzCursor(f *testing.F) {
	s, err := bolt.Open(f.Context(), bolt.Config{Path: filepath.Join(f.TempDir(), "store.db")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	if err := s.Update(f.Context(), putSome); err != nil {
		f.Fatal(err)
	}
	for kind := range byte(18) {
		for _, position := range []string{"root", "root\x00", string(deviceID(3)), "\x00\x00\x00\x00\x00\x00\x00\x02", "held\x00TH20-1", "\xff\xff", "issuer-1\x00", "role\x00\x00role\x00b", "role\x00b"} {
			f.Add(kind, []byte(position))
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, position []byte) {
		raw := append([]byte{1, kind}, position...)
		after := base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw)))
		err := s.View(t.Context(), func(r enroll.Reader) error {
			for name, list := range map[string]func(enroll.Page) (string, error){
				"children": func(p enroll.Page) (string, error) {
					l, err := r.Children(identity.RootFleetID, "", p)
					return l.Next, err
				},
				"orders": func(p enroll.Page) (string, error) {
					l, err := r.Orders(enroll.OrderFilter{Page: p})
					return l.Next, err
				},
				"fleets orders": func(p enroll.Page) (string, error) {
					l, err := r.Orders(enroll.OrderFilter{Fleets: root(), Page: p})
					return l.Next, err
				},
				"devices": func(p enroll.Page) (string, error) {
					l, err := r.Devices(enroll.DeviceFilter{Page: p})
					return l.Next, err
				},
				"by query": func(p enroll.Page) (string, error) {
					l, err := r.Devices(enroll.DeviceFilter{Query: "SN", Page: p})
					return l.Next, err
				},
				"by state": func(p enroll.Page) (string, error) {
					l, err := r.Devices(enroll.DeviceFilter{State: "held", Page: p})
					return l.Next, err
				},
				"by fleet": func(p enroll.Page) (string, error) {
					l, err := r.Devices(enroll.DeviceFilter{Fleets: root(), Page: p})
					return l.Next, err
				},
				"lineage": func(p enroll.Page) (string, error) {
					l, err := r.Certificates(enroll.CertificateFilter{Device: deviceID(0), Page: p})
					return l.Next, err
				},
				"certificates": func(p enroll.Page) (string, error) {
					l, err := r.Certificates(enroll.CertificateFilter{Page: p})
					return l.Next, err
				},
				"people": func(p enroll.Page) (string, error) { l, err := r.People(p); return l.Next, err },
				"keys":   func(p enroll.Page) (string, error) { l, err := r.Keys(p); return l.Next, err },
				"segments": func(p enroll.Page) (string, error) {
					l, err := r.Segments(enroll.RecordSegments, p)
					return l.Next, err
				},
				"documents": func(p enroll.Page) (string, error) { l, err := r.Documents("", "", p); return l.Next, err },
				"documents of a kind": func(p enroll.Page) (string, error) {
					l, err := r.Documents(enroll.RoleDocument, "", p)
					return l.Next, err
				},
				"shards": func(p enroll.Page) (string, error) { l, err := r.Shards(p); return l.Next, err },
				"records": func(p enroll.Page) (string, error) {
					l, err := r.Records(enroll.RecordFilter{Page: p})
					return l.Next, err
				},
				"story": func(p enroll.Page) (string, error) {
					l, err := r.Records(enroll.RecordFilter{Device: deviceID(0), Page: p})
					return l.Next, err
				},
			} {
				page := enroll.Page{After: after, Limit: 1}
				for parts := 0; page.After != ""; parts++ {
					if parts > 20 {
						t.Fatalf("%s does not end after %x", name, raw)
					}
					next, err := list(page)
					if errors.Is(err, enroll.ErrCursor) {
						break
					}
					if err != nil {
						t.Fatalf("%s after %x: %v", name, raw, err)
					}
					page.After = next
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func root() []identity.FleetID { return []identity.FleetID{identity.RootFleetID} }

// putSome writes five of everything that is listed.
func putSome(tx enroll.Tx) error {
	var errs []error
	for i := range 5 {
		d := enroll.Device{}
		d.ID, d.Fleet, d.State = deviceID(i), identity.RootFleetID, identity.Held
		e := newEnrolment(0)
		e.certificate.Number = uint64(i) + 1
		name := string(rune('a' + i))
		errs = append(errs, tx.PutDevice(d), tx.PutCertificate(e.certificate), tx.PutFleet(identity.Fleet{ID: identity.FleetID(name), Parent: identity.RootFleetID, Name: name}),
			tx.PutOrder(enroll.Order{ID: enroll.OrderID(name), Fleet: identity.RootFleetID}), tx.PutShard(enroll.Shard{ShardKey: enroll.ShardKey{Issuer: name, Shard: "1"}}),
			tx.Append(enroll.Event{Kind: enroll.DeviceEnrolled, Device: deviceID(0), Count: i}),
			tx.PutPerson(enroll.Person{Pseudonym: name}), tx.PutKey([32]byte{byte(i)}, enroll.KeyUse{Device: d.ID}), tx.PutSegment(segmentAt(uint64(i))),
			tx.PutDocument(enroll.RoleDocument, name, nil))
	}
	return errors.Join(errs...)
}

// TestDamagedRow reads rows that are not rows: each is named, none is taken for
// something else.
func TestDamagedRow(t *testing.T) {
	for name, row := range map[string][]byte{
		"nothing": {}, "text": []byte("text"), "another type": {0xa1, 0x01, 0x01}, "cut off": {0xa1, 0x01},
		"one after another": {0xa0, 0xa0}, "too deep": []byte(strings.Repeat("\x81", 100)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := open(t, bolt.Config{Path: path}).Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("devices")).Put([]byte("TH20-SN1\x00"), row)
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			err = open(t, bolt.Config{Path: path}).View(t.Context(), func(r enroll.Reader) error { _, err := r.Device("TH20-SN1"); return err })
			if err == nil || !strings.Contains(err.Error(), "damaged") || errors.Is(err, enroll.ErrNotFound) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

// TestRefusedNames puts what would make one key look like another.
func TestRefusedNames(t *testing.T) {
	s := open(t, bolt.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	long := strings.Repeat("a", 2000)
	device := func(id, fleet string) enroll.Device {
		d := enroll.Device{}
		d.ID, d.Fleet = identity.DeviceID(id), identity.FleetID(fleet)
		return d
	}
	for name, put := range map[string]func(enroll.Tx) error{
		"device":        func(tx enroll.Tx) error { return tx.PutDevice(device("TH20-SN\x01", "root")) },
		"device, empty": func(tx enroll.Tx) error { return tx.PutDevice(device("", "root")) },
		"device, fleet": func(tx enroll.Tx) error { return tx.PutDevice(device("TH20-SN1", "a\x00b")) },
		"certificate":   func(tx enroll.Tx) error { return tx.PutCertificate(enroll.Certificate{Device: "TH20"}) },
		"event":         func(tx enroll.Tx) error { return tx.Append(enroll.Event{Device: "TH20"}) },
		"event, length": func(tx enroll.Tx) error { return tx.Append(enroll.Event{Comment: strings.Repeat("a", 2<<20)}) },
		"fleet":         func(tx enroll.Tx) error { return tx.PutFleet(identity.Fleet{ID: "a\x00b"}) },
		"order":         func(tx enroll.Tx) error { return tx.PutOrder(enroll.Order{ID: "a\x00b", Fleet: "root"}) },
		"order, fleet":  func(tx enroll.Tx) error { return tx.PutOrder(enroll.Order{ID: "a"}) },
		"shard": func(tx enroll.Tx) error {
			return tx.PutShard(enroll.Shard{ShardKey: enroll.ShardKey{Issuer: "a\x00", Shard: "b"}})
		},
		"CRL":       func(tx enroll.Tx) error { return tx.PutCRL(enroll.ShardKey{Issuer: "a"}, nil) },
		"CRL entry": func(tx enroll.Tx) error { return tx.PutCRLEntry(enroll.ShardKey{Issuer: "a"}, [20]byte{}, nil) },
		"person":    func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: long}) },
		"issuer":    func(tx enroll.Tx) error { return tx.PutIssuer(enroll.IssuerRecord{}) },
		"refusals":  func(tx enroll.Tx) error { return tx.CountRefusal("a", enroll.BadCSR, 0) },
		"enrolled":  func(tx enroll.Tx) error { return tx.PutEnrolled("a", -1) },
		"record": func(tx enroll.Tx) error {
			return tx.AppendRecord(enroll.Record{Data: []byte(`{"index":0,"device":"TH20"}`)})
		},
		"record, length": func(tx enroll.Tx) error {
			return tx.AppendRecord(enroll.Record{Data: []byte(`{"index":0,"comment":"` + strings.Repeat("a", 2<<20) + `"}`)})
		},
		"segment, kind": func(tx enroll.Tx) error { s := segmentAt(1); s.Kind = "a"; return tx.PutSegment(s) },
		"segment, keys": func(tx enroll.Tx) error { s := segmentAt(1); s.Last = s.Last[1:]; return tx.PutSegment(s) },
		"segment, order": func(tx enroll.Tx) error {
			s := segmentAt(1)
			s.First, s.Last = s.Last, s.First
			return tx.PutSegment(s)
		},
		"segment, items": func(tx enroll.Tx) error { s := segmentAt(1); s.Items = 0; return tx.PutSegment(s) },
		"segment, name":  func(tx enroll.Tx) error { s := segmentAt(1); s.Name = ""; return tx.PutSegment(s) },
	} {
		if err := s.Update(t.Context(), put); err == nil || errors.Is(err, enroll.ErrStoreUnavailable) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
