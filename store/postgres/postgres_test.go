package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/postgres"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
	"github.com/touchmark/touchmark/store/storetest"
)

// server serves all tests of the package; it is set by TestMain.
var server *postgrestest.Server

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if server, err = postgrestest.Start(postgrestest.Config{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := server.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
		return m.Run()
	}())
}

// database makes an empty schema and returns its URL: as good as a database of
// its own.
func database(t testing.TB) string {
	t.Helper()
	url, err := server.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// open opens a database, which is closed at the test's end.
func open(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// harness is a database for the suite, by way of a proxy that loses commits.
func harness(t *testing.T) (storetest.Harness, string) {
	t.Helper()
	url := database(t)
	p := newProxy(t, server.Address())
	c := postgres.Config{URL: server.Through(p.address(), url)}
	s := open(t, c)
	return storetest.Harness{
		Store: s, Fail: p.fail, Heals: true,
		Reopen: func() enroll.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, c)
			return s
		},
	}, url
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		h, _ := harness(t)
		return h
	})
}

// TestConformanceBesideOthers runs the suite on a node that is not alone: it
// holds what it reads, takes its share of quotas, and leaves its events to the
// sequencer, which may be another node.
func TestConformanceBesideOthers(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		h, url := harness(t)
		open(t, postgres.Config{URL: url})
		return h
	})
}
