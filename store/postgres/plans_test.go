package postgres_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/postgres"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// plan is a node of a plan that was carried out, as auto_explain tells it.
type plan struct {
	Table   string  `json:"Relation Name"`
	Rows    float64 `json:"Actual Rows"` // of each loop
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"` // of each loop
	Hit     float64 `json:"Shared Hit Blocks"`
	Read    float64 `json:"Shared Read Blocks"`
	Plans   []plan
}

// looked returns how many rows and pages of a table, and of its indexes, were looked
// at.
func (p plan) looked(table string) (rows, pages float64) {
	if p.Table == table {
		rows, pages = (p.Rows+p.Removed)*p.Loops, p.Hit+p.Read
	}
	for _, below := range p.Plans {
		r, n := below.looked(table)
		rows, pages = rows+r, pages+n
	}
	return rows, pages
}

// explained is a server that writes down how each statement was carried out.
type explained struct {
	log  string
	seen int // octets of the log
}

func newExplained(t *testing.T) (*explained, *postgres.Store) {
	t.Helper()
	server, err := postgrestest.Start(postgrestest.Config{Settings: map[string]string{
		"session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on",
		"auto_explain.log_format": "json", "auto_explain.log_timing": "off",
		"auto_explain.log_buffers": "on",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	url, err := server.Database()
	if err != nil {
		t.Fatal(err)
	}
	return &explained{log: filepath.Join(server.Folder(), "log")}, open(t, postgres.Config{URL: url})
}

// looked returns how many rows and pages of a table the statements since the last
// call looked at.
func (e *explained) looked(t *testing.T, table string) (rows, pages float64) {
	t.Helper()
	whole, err := os.ReadFile(e.log)
	if err != nil {
		t.Fatal(err)
	}
	log := whole[e.seen:]
	e.seen = len(whole)
	for _, entry := range bytes.Split(log, []byte(" plan:\n"))[1:] {
		var said struct{ Plan plan }
		if err := json.NewDecoder(bytes.NewReader(entry)).Decode(&said); err != nil {
			t.Fatalf("%v in %s", err, entry)
		}
		r, n := said.Plan.looked(table)
		rows, pages = rows+r, pages+n
	}
	return rows, pages
}

// TestRowsLookedAt counts what lists look at, in tables in which most of the rows
// match, and come first, but are not asked for.
func TestRowsLookedAt(t *testing.T) {
	t.Parallel()
	server, s := newExplained(t)
	const few, many = 10, 3000
	branch := []identity.FleetID{"branch-0", "branch-1", "none"}
	update(t, s, func(tx enroll.Tx) error {
		var errs []error
		for n := range many + few {
			d, fleet := device(n), identity.FleetID("a-other")
			if n >= many {
				fleet = branch[n%2]
			}
			serial := ca.FirstSerialAt(time.UnixMilli(int64(n)))
			serial[19] = 1
			d.Fleet, d.State = fleet, identity.Held
			d.Newest = &enroll.LiveCertificate{Serial: serial, Status: enroll.StatusGood}
			errs = append(errs, tx.PutDevice(d))
		}
		return errors.Join(errs...)
	})
	update(t, s, func(tx enroll.Tx) error {
		var errs []error
		for n := range many + few {
			key := fmt.Sprintf("a/%05d", n)
			if n >= many {
				key = fmt.Sprintf("b/%05d", n)
			}
			errs = append(errs, tx.PutDocument(enroll.GrantOfDocument, key, []byte("{}")), tx.PutDocument(enroll.JobDocument, key, []byte("{}")))
		}
		return errors.Join(errs...)
	})
	for n := range 30 {
		update(t, s, func(tx enroll.Tx) error {
			o := order(1)
			o.ID, o.Fleet = enroll.OrderID(fmt.Sprintf("order-%d", n)), "a-other"
			if n >= 20 {
				o.Fleet = branch[n%2]
			}
			return tx.PutOrder(o)
		})
	}
	model, soon := device(0).ID.Model(), time.UnixMilli(many*2)
	devices := func(f enroll.DeviceFilter) func(enroll.Reader) (int, error) {
		f.Fleets = branch
		return func(r enroll.Reader) (int, error) { list, err := r.Devices(f); return len(list.Items), err }
	}
	documents := func(kind enroll.DocumentKind, prefix string) func(enroll.Reader) (int, error) {
		return func(r enroll.Reader) (int, error) {
			list, err := r.Documents(kind, prefix, enroll.Page{Limit: few})
			return len(list.Items), err
		}
	}
	for _, test := range []struct {
		name, table string
		list        func(enroll.Reader) (int, error)
	}{
		{"a branch", "devices", devices(enroll.DeviceFilter{})},
		{"what is held in a branch", "devices", devices(enroll.DeviceFilter{State: identity.Held})},
		{"what is found in a branch", "devices", devices(enroll.DeviceFilter{Query: string(model)})},
		{"a model in a branch", "devices", devices(enroll.DeviceFilter{Model: model})},
		{"what ends in a branch", "devices", devices(enroll.DeviceFilter{ExpiringBefore: soon})},
		{"all of that", "devices", devices(enroll.DeviceFilter{Model: model, Query: string(model), State: identity.Held, ExpiringBefore: soon})},
		{"a branch's orders", "orders", func(r enroll.Reader) (int, error) {
			list, err := r.Orders(enroll.OrderFilter{Fleets: branch, Model: "TH20"})
			return len(list.Items), err
		}},
		{"documents with a prefix", "documents", documents(enroll.GrantOfDocument, "b/")},
		{"a part of the documents with a prefix", "documents", documents(enroll.GrantOfDocument, "a/0")},
		{"a part of the documents of a kind", "documents", documents(enroll.JobDocument, "")},
		{"a part of all documents", "documents", documents("", "")},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "_"), func(t *testing.T) {
			server.looked(t, test.table)
			view(t, s, func(r enroll.Reader) error {
				n, err := test.list(r)
				if n != few {
					t.Errorf("%d are listed, want %d", n, few)
				}
				_, another := r.TreeSize() // on which the server writes down what was before
				return errors.Join(err, another)
			})
			// The server rounds how many rows each loop has.
			if rows, pages := server.looked(t, test.table); rows < few/2 || rows > 3*few || pages < 1 || pages > 4*few {
				t.Errorf("%v rows on %v pages were looked at for %d", rows, pages, few)
			}
		})
	}
}
