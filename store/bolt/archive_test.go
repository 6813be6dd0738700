package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
	"go.etcd.io/bbolt"
)

// archived returns the copy of a store whose oldest certificate, its key and 512
// of 700 records have left for the archive.
func archived(t *testing.T) []byte {
	t.Helper()
	path := written(t, backup(t, 3))
	s := must(bolt.Open(t.Context(), bolt.Config{Path: path}))(t)
	err := s.Update(t.Context(), func(tx enroll.Tx) error {
		list, err := tx.Certificates(enroll.CertificateFilter{Page: enroll.Page{Limit: 1}})
		if err != nil {
			return err
		}
		c := list.Items[0]
		d, err := tx.Device(c.Device)
		if err != nil {
			return err
		}
		d.Newest = &enroll.LiveCertificate{Serial: c.Serial, Key: c.Key, Status: enroll.StatusGood}
		errs := []error{tx.PutDevice(d), tx.DeleteCertificate(c.Serial), tx.DeleteKey(c.Key), tx.PutSegment(segmentAt(0)), tx.PutSegment(segmentAt(1))}
		for i := 3; i < 700; i++ {
			errs = append(errs, tx.Append(enroll.Event{Kind: enroll.DeviceHeld, Device: deviceID(i % 3), Count: i}))
		}
		return errors.Join(errs...)
	})
	if err == nil {
		err = s.Update(t.Context(), func(tx enroll.Tx) error { return tx.DropRecords(512) })
	}
	if err := errors.Join(err, s.Close(), bolt.Verify(path)); err != nil {
		t.Fatal(err)
	}
	return must(os.ReadFile(path))(t)
}

func TestVerifyFindsDamageBesideTheArchive(t *testing.T) {
	whole := archived(t)
	tile := func(level byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{level}, n) }
	// spoil changes an octet of a row.
	spoil := func(tree string, key []byte, at int) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			value := bytes.Clone(tx.Bucket([]byte(tree)).Get(key))
			value[at] ^= 1
			return tx.Bucket([]byte(tree)).Put(key, value)
		}
	}
	segment := append([]byte("records\x00"), story(255)...)
	for name, c := range map[string]struct {
		change func(*bbolt.Tx) error
		says   string
	}{
		"a record is lost":                          {remove("records", story(600)), "record 601 stands"},
		"the oldest record is lost":                 {remove("records", story(512)), "record 513 stands"},
		"a record that was dropped":                 {putRow("records", story(511), []byte(`{"index":511}`)), "record 511 stands"},
		"a story of what was dropped":               {putRow("devices", append([]byte(deviceID(1)+"\x01"), story(3)...), []byte{}), "what is not there"},
		"a tile of what was dropped":                {putRow("tiles", tile(0, 1), make([]byte, 256*32)), "no such tile"},
		"a hash of what was dropped":                {spoil("tiles", tile(1, 0), 0), "another root of what was dropped"},
		"a hash of what was not":                    {spoil("tiles", tile(0, 2), 1), "does not hash"},
		"a tile is lost":                            {remove("tiles", tile(0, 2)), "hash"},
		"more was dropped than there is":            {putRow("meta", []byte("dropped"), append(story(1024), make([]byte, 32)...)), "where the records of a log of 700 begin"},
		"a part of a tile was dropped":              {putRow("meta", []byte("dropped"), append(story(500), make([]byte, 32)...)), "where the records of a log of 700 begin"},
		"it is said that less was dropped":          {putRow("meta", []byte("dropped"), append(story(256), make([]byte, 32)...)), "another root of what was dropped"},
		"nothing says that records were dropped":    {remove("meta", []byte("dropped")), "record 512 stands"},
		"it is not said well what was dropped":      {putRow("meta", []byte("dropped"), []byte{1}), "begin"},
		"a segment's row is no row":                 {putRow("segments", segment, []byte{0xff}), "segments is damaged"},
		"a segment of no kind":                      {putRow("segments", []byte("none\x00last"), []byte{0xa0}), "no kind of segments"},
		"a segment without a key":                   {putRow("segments", []byte("records\x00"), []byte{0xa0}), "8 octets"},
		"a segment without items":                   {spoilSegment(segment), "items"},
		"a device that lapsed is not listed":        {removeLast("lapsed"), "lapsed does not have it"},
		"a device is listed that has not lapsed":    {putRow("lapsed", bytes.Repeat([]byte{0x40}, 20), []byte(deviceID(1))), "what is not there"},
		"the tree of segments is missing":           {func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("segments")) }, "segments is missing"},
		"a certificate that was deleted is in line": {putRow("devices", append([]byte(deviceID(0)+"\x02"), story(7)...), make([]byte, 20)), "what is not there"},
	} {
		t.Run(name, func(t *testing.T) { damaged(t, whole, c.change, c.says) })
	}
}

// spoilSegment replaces a segment by one of no items.
func spoilSegment(key []byte) func(*bbolt.Tx) error {
	row := append([]byte{0xa4, 1, 0x48}, story(0)...)  // 1: first key
	row = append(row, 2, 0, 3, 0x61, 'a', 4, 0x58, 32) // 2: items, 3: name, 4: digest
	return putRow("segments", key, append(row, make([]byte, 32)...))
}

// older returns a file of an older schema, which lacks some trees, with 300 records.
func older(t *testing.T, number string, lacks ...string) string {
	t.Helper()
	path := written(t, backup(t, 300))
	db := must(bbolt.Open(path, 0o600, nil))(t)
	err := db.Update(func(tx *bbolt.Tx) error {
		err := schema(number)(tx)
		for _, tree := range lacks {
			err = errors.Join(err, tx.DeleteBucket([]byte(tree)))
		}
		return err
	})
	if err := errors.Join(err, db.Close(), bolt.Verify(path)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSchemaBeforeDocuments opens a file that the second schema's program left.
func TestSchemaBeforeDocuments(t *testing.T) {
	path := older(t, "2", "documents")
	s := open(t, bolt.Config{Path: path})
	err := s.Update(t.Context(), func(tx enroll.Tx) error {
		if _, err := tx.Document(enroll.RoleDocument, "a"); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("a document before there were any: error %v", err)
		}
		_, err := tx.Device(deviceID(7))
		return errors.Join(err, tx.PutDocument(enroll.RoleDocument, "a", []byte("data")))
	})
	if err := errors.Join(err, s.Close(), bolt.Verify(path)); err != nil {
		t.Fatal(err)
	}
	err = open(t, bolt.Config{Path: path}).View(t.Context(), func(r enroll.Reader) error {
		data, err := r.Document(enroll.RoleDocument, "a")
		if string(data) != "data" {
			t.Errorf("got %q", data)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOlderSchema opens a file that the first schema's program left.
func TestOlderSchema(t *testing.T) {
	path := older(t, "1", "segments", "lapsed", "documents")
	s := open(t, bolt.Config{Path: path})
	err := s.Update(t.Context(), func(tx enroll.Tx) error {
		return errors.Join(tx.PutSegment(segmentAt(0)), tx.DropRecords(256), tx.PutFleet(identity.Fleet{ID: "line-2", Parent: identity.RootFleetID, Name: "line-2"}))
	})
	if err := errors.Join(err, s.Close(), bolt.Verify(path)); err != nil {
		t.Fatal(err)
	}
	err = open(t, bolt.Config{Path: path}).View(t.Context(), func(r enroll.Reader) error {
		size, err := r.TreeSize()
		found, err2 := r.Segment(enroll.RecordSegments, story(1))
		if size != 300 || found.Name != "records" {
			t.Errorf("%d records and the segment %+v", size, found)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
}
