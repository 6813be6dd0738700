package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
	"go.etcd.io/bbolt"
)

// spoiled writes a copy of a file with some octets changed, and returns where.
func spoiled(t *testing.T, content []byte, at int, xor byte) string {
	t.Helper()
	content[at] ^= xor
	path := written(t, content)
	content[at] ^= xor
	return path
}

func written(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refuses fails unless Verify says what is wrong with the file.
func refuses(t *testing.T, path, says string) {
	t.Helper()
	if err := bolt.Verify(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), says) {
		t.Errorf("got error %v, want one of %s that says %q", err, path, says)
	}
}

func TestVerifyFindsWhatIsCutShort(t *testing.T) {
	whole := backup(t, 200)
	path := written(t, whole)
	if err := bolt.Verify(path); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{len(whole) - 1, len(whole) - os.Getpagesize(), len(whole) / 2, 5 * os.Getpagesize() / 2, os.Getpagesize() + 80, os.Getpagesize(), 79, 16, 0} {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		says := "cut short"
		if size < 80 { // not even the first meta page
			says = "not a store"
		}
		refuses(t, path, says)
		if size == 0 {
			continue // a new store
		}
		if s, err := bolt.Open(t.Context(), bolt.Config{Path: path}); err == nil {
			t.Errorf("a file cut to %d octets was opened: %v", size, s.Close())
		}
	}
}

func TestVerifyRefusesWhatIsNoFile(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{filepath.Join(folder, "none.db"), folder} {
		if err := bolt.Verify(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", path, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "none.db")); !errors.Is(err, os.ErrNotExist) {
		t.Error("Verify made a file")
	}
	refuses(t, written(t, bytes.Repeat([]byte("text"), 10_000)), "not a store")
}

// TestVerifyFindsEveryOctet changes each octet of what is hashed or signed.
func TestVerifyFindsEveryOctet(t *testing.T) {
	whole := backup(t, 3)
	for name, part := range map[string]struct {
		tree string
		key  []byte
		der  bool // look at the DER of the row alone
	}{
		"a record":      {tree: "records", key: binary.BigEndian.AppendUint64(nil, 1)},
		"hashes":        {tree: "tiles", key: make([]byte, 9)},
		"a certificate": {tree: "certificates", der: true},
		"a CRL":         {tree: "crls"},
	} {
		t.Run(name, func(t *testing.T) {
			row := rowOf(t, written(t, whole), part.tree, part.key)
			if part.der {
				row = derIn(t, row)
			}
			at := bytes.Index(whole, row)
			if at < 0 || len(row) == 0 {
				t.Fatal("the row is not in the file")
			}
			path := written(t, whole)
			for i := range row {
				whole[at+i] ^= 1
				if err := os.WriteFile(path, whole, 0o600); err != nil {
					t.Fatal(err)
				}
				whole[at+i] ^= 1
				if err := bolt.Verify(path); err == nil {
					t.Errorf("octet %d of %d was changed unnoticed", i, len(row))
				}
			}
		})
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	whole := backup(t, 200)
	for name, c := range map[string]struct {
		change func(*bbolt.Tx) error
		says   string
	}{
		"a tree is missing":              {func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("devices")) }, "devices is missing"},
		"the schema is newer":            {schema("4"), "newer"},
		"the log lost a tile":            {remove("tiles", make([]byte, 9)), "hash"},
		"the log lost its last record":   {removeLast("records"), "log"},
		"the log lost its first record":  {remove("records", make([]byte, 8)), "record 1 stands"},
		"a tile too many":                {putRow("tiles", append([]byte{7}, make([]byte, 8)...), make([]byte, 32)), "no such tile"},
		"a story lost a record":          {remove("devices", append([]byte(deviceID(1)+"\x01"), story(1)...)), "devices does not have it"},
		"a story of nothing":             {putRow("devices", append([]byte(deviceID(1)+"\x01"), story(2)...), []byte{}), "what is not there"},
		"a device's row is no row":       {putRow("devices", []byte(deviceID(1)+"\x00"), []byte{0xff}), "devices is damaged"},
		"a device is in no fleet":        {removeLast("fleet-devices"), "fleet-devices does not have it"},
		"a fleet has what is no device":  {putRow("fleet-devices", []byte("root\x0012345678TH20-X"), []byte{}), "what is not there"},
		"a held device is not found":     {removeLast("state-devices"), "state-devices does not have it"},
		"an order is in no fleet":        {removeLast("fleet-orders"), "fleet-orders does not have it"},
		"a quota of no order":            {putRow("quotas", []byte("none"), make([]byte, 8)), "orders does not have it"},
		"a quota is no number":           {putRow("quotas", []byte("order-1"), []byte{1}), "8 should be"},
		"a fleet is not found":           {removeLast("children"), "children does not have it"},
		"a certificate is lost":          {removeLast("certificates"), "what is not there"},
		"a lineage lost a certificate":   {remove("devices", append([]byte(deviceID(1)+"\x02"), story(1)...)), "devices does not have it"},
		"a certificate of another":       {moveLast("certificates", 19), "serial number"},
		"a CRL entry of another":         {moveLast("crl-entries", -1), "another certificate"},
		"a CRL entry is none":            {putRow("crl-entries", []byte("i\x001\x0012345678901234567890"), []byte{0x30}), "crl-entries"},
		"an issuer of another name":      {moveLast("issuers", 0), "that of the issuer"},
		"an issuer is lost":              {removeLast("issuers"), "is not in the store"},
		"a key of odd length":            {putRow("keys", []byte("short"), []byte{0xa0}), "32 should be"},
		"a person's row is no row":       {putRow("people", []byte("p"), []byte{0x01}), "people"},
		"the documents are missing":      {func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("documents")) }, "documents is missing"},
		"a document without a kind":      {putRow("documents", []byte("\x00key"), []byte{1}), "its kind has"},
		"a document without a key":       {putRow("documents", []byte("role\x00"), []byte{1}), "its key has"},
		"a document that is too large":   {putRow("documents", []byte("role\x00key"), make([]byte, enroll.MaxDocument+1)), "at most"},
		"a tree within a tree of things": {func(tx *bbolt.Tx) error { _, err := tx.Bucket([]byte("people")).CreateBucket([]byte("x")); return err }, "a tree stands"},
	} {
		t.Run(name, func(t *testing.T) { damaged(t, whole, c.change, c.says) })
	}
}

// damaged changes a copy of a file, which Verify then refuses.
func damaged(t *testing.T, whole []byte, change func(*bbolt.Tx) error, says string) {
	t.Helper()
	path := written(t, whole)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
	refuses(t, path, says)
}

// FuzzVerify changes an octet of a file and cuts it. Whatever is left, Verify
// comes to an end and says whether it is whole.
func FuzzVerify(f *testing.F) {
	whole := backup(f, 3)
	for at := 0; at < len(whole); at += 509 {
		f.Add(uint32(at), byte(0xff), uint32(0))
	}
	for _, at := range []uint32{0, 8, 10, 12, 16, 24} { // the header and first element of each page
		for page := range uint32(len(whole) / os.Getpagesize()) {
			f.Add(page*uint32(os.Getpagesize())+at, byte(0x11), uint32(0))
		}
	}
	f.Add(uint32(0), byte(0), uint32(7000))
	f.Fuzz(func(t *testing.T, at uint32, xor byte, cut uint32) {
		content := whole[:len(whole)-int(cut)%len(whole)]
		path := spoiled(t, bytes.Clone(content), int(at)%len(content), xor)
		err := bolt.Verify(path)
		if err != nil && !strings.HasPrefix(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
		if err == nil && len(content) < len(whole) {
			t.Error("a part passed for the whole")
		}
	})
}
