package transfer_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/touchmark/touchmark/store/transfer"
)

func TestArchivedRecords(t *testing.T) {
	from, to, files, w := memory(t), memory(t), archive{}, newWorld(7)
	w.devices, w.records = 120, 10
	w.fill(t, from)
	files.retire(t, from, 0, 512)
	_, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: to})
	if !errors.Is(err, transfer.ErrArchive) {
		t.Fatalf("without the archive: %v", err)
	}
	_, err = transfer.Copy(t.Context(), transfer.Config{From: from, To: to, Archive: archive{}})
	if !errors.Is(err, transfer.ErrArchive) {
		t.Fatalf("with another archive: %v", err)
	}
	if report := mustCopy(t, transfer.Config{From: from, To: to, Archive: files}); report.Log.First != 512 || report.Log.Size != 1200 {
		t.Errorf("log %+v", report.Log)
	}
	// What leaves the source later leaves the copy, for which nothing is read.
	files.retire(t, from, 512, 1024)
	if report := mustCopy(t, transfer.Config{From: from, To: to}); report.Log.First != 1024 {
		t.Errorf("log %+v", report.Log)
	}
}

func TestAnArchiveThatWasTamperedWith(t *testing.T) {
	for _, test := range []struct {
		name   string
		tamper func(files archive)
	}{
		{"another record", func(files archive) {
			item := &files["records-0"][7]
			item.Value = bytes.Replace(item.Value, []byte("so on"), []byte("so no"), 1)
		}},
		{"no record", func(files archive) { files["records-0"][7].Value = []byte("{}") }},
		{"no JSON", func(files archive) { files["records-0"][7].Value = nil }},
		{"no index", func(files archive) { files["records-0"][7].Key = []byte{7} }},
		{"one is missing", func(files archive) { files["records-0"] = slices.Delete(files["records-0"], 7, 8) }},
		{"the last is missing", func(files archive) { files["records-1"] = files["records-1"][:255] }},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, files, w := memory(t), archive{}, newWorld(9)
			w.records = 10
			w.fill(t, from)
			files.retire(t, from, 0, 512)
			test.tamper(files)
			to := memory(t)
			if _, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: to, Archive: files}); !errors.Is(err, transfer.ErrArchive) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A copy that ends within what was archived since is compared with the archive.
func TestAnOldCopyMeetsTheArchive(t *testing.T) {
	for _, test := range []struct {
		name string
		file string // in which a record is forged
		want error
	}{
		{"whole", "", nil},
		{"forged where the copy has it too", "records-0", transfer.ErrTarget},
		{"forged where the copy goes on", "records-1", transfer.ErrDiffers},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, to, files, w := memory(t), memory(t), archive{}, newWorld(8)
			w.records = 2
			w.fill(t, from)
			mustCopy(t, transfer.Config{From: from, To: to}) // 240 records
			more := newWorld(8)
			more.records = 10
			more.fill(t, from)
			files.retire(t, from, 0, 512)
			if test.file != "" {
				files[test.file][10].Value = archivedRecord(10, []byte(`{"index":10}`)).Value
			}
			_, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: to, Archive: files})
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
