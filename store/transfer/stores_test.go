package transfer_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
	"github.com/touchmark/touchmark/store/storetest"
	"github.com/touchmark/touchmark/store/transfer"
)

// opener makes an empty store of one kind and returns how to open it.
type opener func(t testing.TB) (open func() enroll.Store)

func inMemory(testing.TB) func() enroll.Store {
	s := storetest.NewMemory()
	return func() enroll.Store { return stays{s} }
}

// stays is a store that is there when it is opened again.
type stays struct{ enroll.Store }

func (stays) Close() error { return nil }

func inFile(t testing.TB) func() enroll.Store {
	t.Helper()
	url := "bolt://" + filepath.Join(t.TempDir(), "store.db")
	return at(t, url)
}

func inDatabase(server *postgrestest.Server) opener {
	return func(t testing.TB) func() enroll.Store {
		t.Helper()
		url, err := server.Schema()
		if err != nil {
			t.Fatal(err)
		}
		return at(t, url)
	}
}

func at(t testing.TB, url string) func() enroll.Store {
	t.Helper()
	return func() enroll.Store {
		s, err := store.Open(context.Background(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
}

// TestBetweenKeepers copies from each kind of store to each other, with a log of
// which a part is in the archive, killed on the way, and the copy back again.
func TestBetweenKeepers(t *testing.T) {
	server, err := postgrestest.Start(postgrestest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	for _, test := range []struct {
		name     string
		from, to opener
	}{
		{"bolt to bolt", inFile, inFile},
		{"bolt to memory", inFile, inMemory},
		{"memory to bolt", inMemory, inFile},
		{"bolt to postgres", inFile, inDatabase(server)},
		{"postgres to bolt", inDatabase(server), inFile},
		{"postgres to postgres", inDatabase(server), inDatabase(server)},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, openTo := test.from(t)(), test.to(t)
			w, files := newWorld(11), archive{}
			w.records = 10
			w.fill(t, from)
			if later, ok := from.(interface{ Settle(context.Context) error }); ok {
				if err := later.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			files.retire(t, from, 0, 512)
			to := openTo()
			for each := int64(1); ; each++ {
				mortal := &dying{Store: to, kept: each%2 == 0}
				mortal.left.Store(each)
				_, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: mortal, Archive: files, Batch: 25})
				if err == nil {
					break
				}
				if !errors.Is(err, errDied) || each > 50 {
					t.Fatal(err)
				}
				if each%4 == 0 {
					if err := to.Close(); err != nil {
						t.Fatal(err)
					}
					to = openTo()
				}
			}
			report, err := transfer.Compare(t.Context(), transfer.Config{From: from, To: to})
			if err != nil || report.Log.Size != 1200 || report.Log.First != 512 {
				t.Fatalf("%v %+v %v", err, report.Log, report.Differences)
			}
			if got, want := stories(t, to, w.devices), stories(t, from, w.devices); !reflect.DeepEqual(got, want) {
				t.Error("the devices' stories differ")
			}
			update(t, to, func(tx enroll.Tx) error {
				return tx.Append(enroll.Event{Time: epoch(), Kind: enroll.BreakGlassUsed})
			})
			mustCopy(t, transfer.Config{From: to, To: memory(t), Archive: files})
		})
	}
}
