package bolt_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
	"github.com/touchmark/touchmark/store/storetest"
)

// faults makes one commit fail.
type faults struct{ next atomic.Int64 }

var errInjected = errors.New("injected")

func (f *faults) around(commit func() error) error {
	switch storetest.Fault(f.next.Swap(0)) {
	case storetest.Lost:
		return errInjected
	case storetest.KeptButReportedLost:
		return errors.Join(commit(), errInjected)
	default:
		return commit()
	}
}

func (f *faults) fail(fault storetest.Fault) { f.next.Store(int64(fault)) }

// open opens the file, which is closed at the test's end.
func open(t *testing.T, c bolt.Config) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(t.Context(), c)
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

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		f := &faults{}
		c := bolt.Config{Path: filepath.Join(t.TempDir(), "store.db"), AroundCommit: f.around}
		s := open(t, c)
		return storetest.Harness{
			Store: s,
			Reopen: func() enroll.Store {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if err := bolt.VerifyForm(c.Path); err != nil {
					t.Fatal(err)
				}
				s = open(t, c)
				return s
			},
			Fail: f.fail,
		}
	})
}
