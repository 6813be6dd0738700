package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/postgres"
)

// lead waits until a store leads a task, and returns its token.
func lead(t *testing.T, s *postgres.Store, task enroll.Task) uint64 {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		token, err := s.Lead(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		if token != 0 {
			return token
		}
	}
}

// leading returns a transaction that rests on a lead.
func leading(token uint64, n int) func(enroll.Tx) error {
	return func(tx enroll.Tx) error {
		return errors.Join(tx.Leading(enroll.TaskArchive, token), tx.PutDevice(device(n)))
	}
}

// TestOneNodeLeads has a lead for each task, which is given up by Close.
func TestOneNodeLeads(t *testing.T) {
	t.Parallel()
	on := nodes(t, 2, database(t))
	first := lead(t, on[0], enroll.TaskArchive)
	for range 3 {
		if again := lead(t, on[0], enroll.TaskArchive); again != first {
			t.Errorf("the token of a term changed from %d to %d", first, again)
		}
		if token, err := on[1].Lead(t.Context(), enroll.TaskArchive); token != 0 || err != nil {
			t.Errorf("two nodes lead: token %d, error %v", token, err)
		}
	}
	other := lead(t, on[1], enroll.TaskPublish) // a task has a lead of its own
	update(t, on[0], leading(first, 1))
	for name, refused := range map[string]struct {
		on    *postgres.Store
		token uint64
	}{
		"a token of nothing":     {on[0], 0},
		"a token yet to come":    {on[0], first + 1},
		"another node's token":   {on[1], first},
		"another task's, no one": {on[1], other},
	} {
		if err := refused.on.Update(t.Context(), leading(refused.token, 2)); !errors.Is(err, enroll.ErrNotLeading) {
			t.Errorf("%s: error %v, want ErrNotLeading", name, err)
		}
	}
	if err := on[0].Close(); err != nil {
		t.Fatal(err)
	}
	if next := lead(t, on[1], enroll.TaskArchive); next <= first {
		t.Errorf("the next term's token is %d, want it above %d", next, first)
	}
	if _, err := on[0].Lead(t.Context(), enroll.TaskArchive); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("a closed store: error %v, want ErrStoreUnavailable", err)
	}
	view(t, on[1], func(r enroll.Reader) error {
		if _, err := r.Device(deviceID(2)); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("a transaction was committed without a lead: error %v", err)
		}
		return nil
	})
}

// TestALateLeaderIsFencedOff stops a node in the middle of a transaction that
// rests on its lead, until another one leads: when it wakes it is refused.
func TestALateLeaderIsFencedOff(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := newProxy(t, server.Address())
	sleeper := open(t, postgres.Config{URL: server.Through(p.address(), url), Patience: 30 * time.Second})
	other := open(t, postgres.Config{URL: url})
	token := lead(t, sleeper, enroll.TaskArchive)
	update(t, sleeper, leading(token, 1))
	held, release := p.holdUp()
	defer release()
	late := make(chan error, 1)
	go func() { late <- sleeper.Update(context.Background(), leading(token, 2)) }()
	<-held
	next := lead(t, other, enroll.TaskArchive) // once its term is over, and the server has ended its transaction
	release()
	if err := <-late; !errors.Is(err, enroll.ErrNotLeading) {
		t.Errorf("the late Update: error %v, want ErrNotLeading", err)
	}
	if again, err := sleeper.Lead(t.Context(), enroll.TaskArchive); again != 0 || err != nil {
		t.Errorf("the node that was late leads again: token %d, error %v", again, err)
	}
	update(t, other, leading(next, 3))
}

// TestALeadIsNotTakenFromUnderATransaction ends a term while a transaction rests
// on it: the next one begins after its commit.
func TestALeadIsNotTakenFromUnderATransaction(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := newProxy(t, server.Address())
	leader := open(t, postgres.Config{URL: server.Through(p.address(), url)})
	other := open(t, postgres.Config{URL: url})
	token := lead(t, leader, enroll.TaskArchive)
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), "UPDATE leases SET expires_at = 'epoch'"); err != nil {
		t.Fatal(err)
	}
	held, release := p.holdUp()
	defer release()
	done := make(chan error, 1)
	go func() { done <- leader.Update(context.Background(), leading(token, 1)) }()
	<-held
	for free := 1; free != 0; { // until the transaction holds the lease
		err := conn.QueryRow(t.Context(), "WITH f AS (SELECT FROM leases WHERE task = 'archive' FOR UPDATE SKIP LOCKED) SELECT count(*) FROM f").Scan(&free)
		if err != nil {
			t.Fatal(err)
		}
	}
	if token, err := other.Lead(t.Context(), enroll.TaskArchive); token != 0 || err != nil {
		t.Errorf("another node leads: token %d, error %v", token, err)
	}
	release()
	if err := <-done; err != nil {
		t.Errorf("the Update: %v", err)
	}
	lead(t, other, enroll.TaskArchive)
}
