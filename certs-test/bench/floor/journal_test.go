package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestJournalKeepsEveryRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			if err := j.Append(fmt.Appendf(nil, "record %d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]byte("late")); err == nil {
		t.Error("a closed journal took a record")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for len(data) > 0 {
		length := binary.BigEndian.Uint32(data)
		record := bytes.Clone(data[4 : 4+length])
		seen[string(record)] = true
		data = data[4+length:]
	}
	if len(seen) != n {
		t.Errorf("%d records of %d are in the file", len(seen), n)
	}
}
