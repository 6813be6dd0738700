// Package storetest holds every store to the contract of enroll.Store: it looks
// for what each call answers, races what must have one winner, and compares long
// random histories with an oracle, also where commits are lost, or kept but
// reported lost.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Harness is one store under test.
type Harness struct {
	Store enroll.Store // empty and open
	// Reopen closes the store, which may have failed, and opens what it kept; nil
	// for a store that keeps nothing.
	Reopen func() enroll.Store
	// Fail makes the next commit of the store that was opened last fail in this
	// way; nil where that cannot be done.
	Fail func(Fault)
	// Heals says that the store learns what became of a commit that failed, and
	// makes it again where it must, so that no caller is told.
	Heals bool
}

// settler is a store that may number events some time after their commit. Settle
// waits until it has numbered those of all Updates that returned before.
type settler interface {
	Settle(ctx context.Context) error
}

// settle waits for the log of a store that numbers later.
func settle(s enroll.Store) error {
	if s, later := s.(settler); later {
		return s.Settle(context.Background())
	}
	return nil
}

// Fault is a way in which a commit fails.
type Fault int

// The two ways in which a commit fails: without a trace, or with everything kept
// but its answer lost.
const (
	Lost Fault = iota + 1
	KeptButReportedLost
)

// Faults lists both.
func Faults() []Fault { return []Fault{Lost, KeptButReportedLost} }

// String names the fault as a test is called.
func (f Fault) String() string {
	if f == Lost {
		return "lost"
	}
	return "kept but reported lost"
}

// Run runs the suite. open makes a new, empty store, which the suite leaves to
// t.Cleanup to close.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"nothing is found in an empty store", testNotFound},
		{"what is put is read back", testReadBack},
		{"a transaction sees its own writes", testOwnWrites},
		{"a large transaction sees its own writes", testLargeTransaction},
		{"a lineage is listed newest first", testLineage},
		{"an error leaves nothing behind", testErrorRollsBack},
		{"a panic leaves nothing behind and goes on", testPanicRollsBack},
		{"contexts", testContexts},
		{"what is returned belongs to the caller", testOwnership},
		{"quotas and refusals are counted", testCounters},
		{"shards and their entries", testShards},
		{"people and keys are listed", testPeopleAndKeys},
		{"how many are enrolled can be set", testPutEnrolled},
		{"a lead has a token", testLead},
		{"fleets are renamed and moved", testMovedFleets},
		{"fleets are deleted", testDeletedFleets},
		{"a name that a fleet leaves is free", testFreedNames},
		{"a move leaves what is in the fleet alone", testMoveTouchesNothing},
		{"documents", testDocuments},
		{"documents are bounded", testDocumentBounds},
		{"documents are listed by kind and prefix", testDocumentLists},
		{"large documents are listed in small parts", testLargeDocuments},
		{"segments of the archive", testSegments},
		{"certificates are deleted", testDeleteCertificate},
		{"a key is forgotten", testDeleteKey},
		{"records are added as they stood in another log", testAppendRecord},
		{"records are dropped", testDropRecords},
		{"all records are dropped", testDropAllRecords},
		{"one of many redeems a ticket", testRacingTicket},
		{"a quota is never exceeded", testRacingQuota},
		{"one of many gets a key", testRacingKey},
		{"lists agree with the oracle", testLists},
		{"a branch is listed without the rest", testBranch},
		{"cursors of other lists are refused", testCursors},
		{"limits", testLimits},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	RunHistories(t, open)
	t.Run("reopening", func(t *testing.T) {
		if h := open(t); h.Reopen != nil {
			testReopening(t, h)
		}
	})
	for _, fault := range Faults() {
		t.Run("a random history with each commit "+fault.String(), func(t *testing.T) {
			if h := open(t); h.Fail != nil {
				testFaultyHistory(t, h, fault)
			}
		})
	}
}

// RunHistories runs the part of the suite in which much happens one after another
// and side by side: for a store under conditions of which Run has none.
func RunHistories(t *testing.T, open func(t *testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"nothing is lost between neighbours", testRacingChanges},
		{"a view is a snapshot", testSnapshot},
		{"the log has no fork and no gap", testLog},
		{"paging while others write", testPagingWhileWriting},
		{"a random history agrees with the oracle", testHistory},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// update runs an Update that must succeed.
func update(t *testing.T, s enroll.Store, fn func(tx enroll.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view runs a View that must succeed.
func view(t *testing.T, s enroll.Store, fn func(r enroll.Reader) error) {
	t.Helper()
	if err := settle(s); err != nil {
		t.Fatalf("Settle: %v", err)
	}
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// equal fails the test where got is not want.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) { // much faster than cmp
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

// isError fails the test where err is not want.
func isError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// all reads a whole list in parts of limit, and checks that each part keeps to
// it.
func all[T any](t *testing.T, limit int, list func(enroll.Page) (enroll.List[T], error)) []T {
	t.Helper()
	var items []T
	page := enroll.Page{Limit: limit}
	for range 100_000 {
		part, err := list(page)
		if err != nil {
			t.Fatalf("list after %q: %v", page.After, err)
		}
		if len(part.Items) > limit {
			t.Fatalf("a part of %d items, asked for %d", len(part.Items), limit)
		}
		items = append(items, part.Items...)
		if part.Next == "" {
			return items
		}
		if part.Next == page.After {
			t.Fatalf("the list stands still after %q", page.After)
		}
		page.After = part.Next
	}
	t.Fatal("the list does not end")
	return nil
}

// rootFleet is where everything of the simple tests stands.
const rootFleet = identity.RootFleetID
