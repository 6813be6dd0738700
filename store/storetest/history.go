package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// How many transactions the histories have.
const (
	historyLength = 400
	faultyLength  = 40
)

// do runs a transaction and returns what it saw.
func do(s enroll.Store, x *transaction) (saw []any, err error) {
	if err := settle(s); err != nil {
		return nil, err
	}
	err = s.Update(context.Background(), func(tx enroll.Tx) error {
		var err error
		saw, err = x.run(tx)
		return err
	})
	if err != nil {
		saw = nil
	}
	return saw, err
}

// testHistory runs the same transactions on the store and on the oracle, which
// see and leave the same.
func testHistory(t *testing.T, h Harness) {
	oracle, w := NewMemory(), newWorld(1)
	for range historyLength {
		x := w.draw()
		got, err := do(h.Store, x)
		want, wantErr := do(oracle, x)
		if !sameKind(err, wantErr) {
			t.Fatalf("%s: got error %v, want %v", x.id, err, wantErr)
		}
		equal(t, "what "+x.id+" saw", got, want)
		if w.transactions%50 == 0 {
			equal(t, "everything", dumpOf(t, h.Store), dumpOf(t, oracle))
		}
	}
	verifyLog(t, h.Store, checkpointOf(t, oracle))
}

// sameKind tells whether both or none failed, and both or none as drawn.
func sameKind(a, b error) bool {
	return (a == nil) == (b == nil) && errors.Is(a, errDrawn) == errors.Is(b, errDrawn)
}

// testFaultyHistory lets the commit of every transaction fail, opens the store
// again, and runs the transaction again, as whoever does not know its outcome.
func testFaultyHistory(t *testing.T, h Harness, fault Fault) {
	s, oracle, w := h.Store, NewMemory(), newWorld(uint64(fault)+10)
	appendEvents(t, 0, 2*256+tail, s, oracle) // that some can be dropped
	for range faultyLength {
		x := w.draw()
		before := dumpOf(t, oracle)
		if _, err := do(oracle, x); err != nil {
			if _, err := do(s, x); err == nil {
				t.Fatalf("%s succeeded, and fails in the oracle", x.id)
			}
			continue // nothing was committed, so nothing was lost
		}
		after := dumpOf(t, oracle)
		h.Fail(fault)
		_, err := do(s, x)
		if h.Heals {
			isError(t, x.id, err, nil)
			equal(t, "everything after "+x.id, dumpOf(t, s), after)
			continue
		}
		isError(t, x.id, err, enroll.ErrStoreUnavailable)
		select {
		case <-s.Failed():
			_, err := do(s, w.draw())
			isError(t, "after the store failed", err, enroll.ErrStoreUnavailable)
			s = h.Reopen()
		default:
		}
		kept := map[Fault]dump{Lost: before, KeptButReportedLost: after}[fault]
		equal(t, "what was kept of "+x.id, dumpOf(t, s), kept)
		if _, err := do(s, x); err != nil {
			t.Fatalf("%s, once more: %v", x.id, err)
		}
		equal(t, "everything after "+x.id, dumpOf(t, s), after)
	}
	verifyLog(t, s, checkpointOf(t, oracle))
}

// testReopening leaves a history and finds it again.
func testReopening(t *testing.T, h Harness) {
	s, w := h.Store, newWorld(3)
	for range 3 {
		for range 50 {
			if _, err := do(s, w.draw()); err != nil && !errors.Is(err, errDrawn) {
				t.Logf("a transaction failed: %v", err) // as some do in the oracle too
			}
		}
		cp, before := checkpointOf(t, s), dumpOf(t, s)
		s = h.Reopen()
		equal(t, "everything", dumpOf(t, s), before)
		verifyLog(t, s, cp)
	}
}
