package admit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
)

// shared lists the classes that share the places.
func shared() (all []admit.Class) {
	for _, class := range admit.Classes() {
		if class != admit.Bulk && class != admit.Health {
			all = append(all, class)
		}
	}
	return all
}

// fill takes places of class until there are none, and returns how many it got.
func fill(l *admit.Limiter, class admit.Class) (n int) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range 10_000 {
		if l.Acquire(ended, class) != nil {
			return n
		}
		n++
	}
	return n
}

func release(l *admit.Limiter, class admit.Class, n int) {
	for range n {
		l.Release(class)
	}
}

// wantEmpty fails where somebody has a place or waits for one.
func wantEmpty(t *testing.T, l *admit.Limiter) {
	t.Helper()
	loads, _ := l.Loads()
	for _, load := range loads {
		if load.Running != 0 || load.Waiting != 0 || load.Parked != 0 {
			t.Errorf("%s: %d run, %d wait, %d are parked, and nobody should", load.Class, load.Running, load.Waiting, load.Parked)
		}
	}
}

// What any one class fills leaves every other one a place.
func TestNoClassKeepsAnotherOut(t *testing.T) {
	for _, greedy := range admit.Classes() {
		for _, other := range shared() {
			if other == greedy {
				continue
			}
			l := admit.New(admit.Config{Places: 100})
			fill(l, greedy)
			if n := fill(l, other); n == 0 {
				t.Errorf("while %s takes all that it can, there is no place for %s", greedy, other)
			}
		}
	}
}

// Whatever devices do, a part of the places is left to those who take trust away and
// those who ask.
func TestDevicesLeavePlacesToRevocationAndStatus(t *testing.T) {
	for _, places := range []int{1, 2, 16, 100, 512} {
		l := admit.New(admit.Config{Places: places})
		for _, class := range []admit.Class{admit.Connect, admit.Enrol, admit.Read, admit.Renew} {
			fill(l, class)
		}
		if n := fill(l, admit.Withdraw); n == 0 && places > 10 {
			t.Errorf("of %d places there is none for a withdrawal", places)
		}
		l = admit.New(admit.Config{Places: places})
		for _, class := range []admit.Class{admit.Connect, admit.Enrol, admit.Read, admit.Renew} {
			fill(l, class)
		}
		if n := fill(l, admit.Status); n == 0 && places > 10 {
			t.Errorf("of %d places there is none for OCSP", places)
		}
	}
}

// Where nobody can be given a place at once, who matters more gets the next one.
func TestPlacesGoToWhoMattersMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := admit.New(admit.Config{Places: 1})
		if err := l.Acquire(t.Context(), admit.Enrol); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []admit.Class
		var all sync.WaitGroup
		for i := range shared() {
			class := shared()[len(shared())-1-i] // who matters least arrives first
			all.Go(func() {
				if err := l.Acquire(t.Context(), class); err != nil {
					t.Errorf("%s: %v", class, err)
					return
				}
				mu.Lock()
				order = append(order, class)
				mu.Unlock()
				l.Release(class)
			})
			synctest.Wait()
		}
		l.Release(admit.Enrol)
		all.Wait()
		for i, class := range shared() {
			if order[i] != class {
				t.Fatalf("places were given in the order %v", order)
			}
		}
		wantEmpty(t, l)
	})
}

// Within a class who came first is served first.
func TestClassIsServedInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := admit.New(admit.Config{Places: 1})
		n := fill(l, admit.Read)
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if err := l.Acquire(t.Context(), admit.Read); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				l.Release(admit.Read)
			})
			synctest.Wait()
		}
		release(l, admit.Read, n)
		all.Wait()
		for i, got := range order {
			if i != got {
				t.Fatalf("served in the order %v", order)
			}
		}
	})
}

// A burst is let wait for a second; where the queue has been there for a second, a
// tenth is enough; and where it was served, all is as before.
func TestPatienceFollowsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := admit.New(admit.Config{Places: 10})
		n := fill(l, admit.Enrol)
		waited := func() time.Duration {
			began := time.Now()
			if err := l.Acquire(t.Context(), admit.Enrol); !errors.Is(err, admit.ErrShed) {
				t.Fatalf("there was a place, or %v", err)
			}
			return time.Since(began)
		}
		if got := waited(); got != time.Second {
			t.Errorf("the first waits %s, want a second", got)
		}
		// Somebody waits all the time from here on.
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		others.Go(func() {
			for ctx.Err() == nil {
				others.Go(func() { _ = l.Acquire(ctx, admit.Enrol) })
				time.Sleep(50 * time.Millisecond)
			}
		})
		time.Sleep(1100 * time.Millisecond)
		if got := waited(); got != 100*time.Millisecond {
			t.Errorf("behind a queue that stands one waits %s, want 100ms", got)
		}
		cancel()
		others.Wait()
		if got := waited(); got != time.Second {
			t.Errorf("after the queue was gone one waits %s, want a second", got)
		}
		release(l, admit.Enrol, n)
		wantEmpty(t, l)
	})
}

func TestWithdrawalsWaitLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := admit.New(admit.Config{Places: 10})
		n := fill(l, admit.Withdraw)
		time.AfterFunc(9*time.Second, func() { l.Release(admit.Withdraw) })
		if err := l.Acquire(t.Context(), admit.Withdraw); err != nil {
			t.Errorf("a withdrawal that could have been done after 9 s: %v", err)
		}
		release(l, admit.Withdraw, n)
		wantEmpty(t, l)
	})
}

// Ten times more than can be done, for a minute: what is done is as much as can be,
// nobody waits long, and afterwards each class has a place at once.
func TestOverloadAndRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const work = 10 * time.Millisecond
		l := admit.New(admit.Config{Places: 10})
		var done, shed, revoked atomic.Int64
		var longest atomic.Int64
		var all sync.WaitGroup
		request := func(class admit.Class) {
			began := time.Now()
			err := l.Acquire(t.Context(), class)
			if waited := int64(time.Since(began)); began.Sub(began.Truncate(time.Hour)) > 2*time.Second && waited > longest.Load() {
				longest.Store(waited)
			}
			if err != nil {
				shed.Add(1)
				return
			}
			time.Sleep(work)
			l.Release(class)
			done.Add(1)
			if class == admit.Withdraw {
				revoked.Add(1)
			}
		}
		// Six enrolments find a place at once: 600 a second.
		for tick := range 60 * 100 {
			for range 60 {
				all.Go(func() { request(admit.Enrol) })
			}
			if tick%100 == 0 {
				all.Go(func() { request(admit.Withdraw) })
			}
			time.Sleep(10 * time.Millisecond)
		}
		if revoked.Load() < 59 {
			t.Errorf("of 60 withdrawals %d were done", revoked.Load())
		}
		for _, class := range admit.Classes() {
			if class == admit.Enrol {
				continue
			}
			began := time.Now()
			if err := l.Acquire(t.Context(), class); err != nil || time.Since(began) > work {
				t.Errorf("right after the load %s waited %s: %v", class, time.Since(began), err)
			}
			l.Release(class)
		}
		all.Wait()
		if err := l.Acquire(t.Context(), admit.Enrol); err != nil {
			t.Errorf("after the load: %v", err)
		}
		l.Release(admit.Enrol)
		if got, most := done.Load(), int64(60*600); got < most*95/100 {
			t.Errorf("%d were done, and %d could have been", got, most)
		}
		if longest := time.Duration(longest.Load()); longest > 110*time.Millisecond {
			t.Errorf("after the first second somebody waited %s", longest)
		}
		wantEmpty(t, l)
	})
}

// Who is gone leaves no place taken, whenever that happens.
func TestNoPlaceIsLost(t *testing.T) {
	l := admit.New(admit.Config{Places: 4, Burst: 3 * time.Millisecond})
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for round := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				class := shared()[(i+round)%len(shared())]
				if round%3 == 0 {
					go cancel()
				}
				if l.Acquire(ctx, class) == nil {
					held := true
					if round%2 == 0 {
						l.Park(class)
						held = l.Return(ctx, class) == nil
					}
					if held {
						l.Release(class)
					}
				}
				cancel()
			}
		})
	}
	all.Wait()
	wantEmpty(t, l)
}

// Who gave its place back for its client comes before those who arrived meanwhile, and
// is not turned away.
func TestParkedComeBackFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := admit.New(admit.Config{Places: 1})
		if err := l.Acquire(t.Context(), admit.Read); err != nil {
			t.Fatal(err)
		}
		l.Park(admit.Read)
		if err := l.Acquire(t.Context(), admit.Read); err != nil { // in its place
			t.Fatal(err)
		}
		var returned atomic.Bool
		var all sync.WaitGroup
		all.Go(func() {
			if err := l.Acquire(t.Context(), admit.Read); !errors.Is(err, admit.ErrShed) || returned.Load() {
				t.Errorf("who arrived came first: %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if err := l.Return(t.Context(), admit.Read); err != nil {
				t.Error(err)
			}
			returned.Store(true)
		})
		time.Sleep(time.Minute)
		if returned.Load() {
			t.Fatal("there is one place, and two have it")
		}
		l.Release(admit.Read)
		all.Wait()
		l.Release(admit.Read)
		wantEmpty(t, l)
	})
}

func TestReadinessEndsWhereNothingGetsThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := admit.New(admit.Config{Places: 20})
		enrolments := fill(l, admit.Enrol)
		_ = l.Acquire(t.Context(), admit.Enrol)
		time.Sleep(time.Minute)
		if l.Stuck() {
			t.Error("a server that turns away enrolments alone says that it can do nothing")
		}
		asked, withdrawn := fill(l, admit.Status), fill(l, admit.Withdraw)
		for range 15 {
			_ = l.Acquire(t.Context(), admit.Status) // a second, or a tenth
			time.Sleep(time.Second)
		}
		if !l.Stuck() {
			t.Error("for 15 s not one OCSP request found a place, and the server says that it is ready")
		}
		release(l, admit.Status, asked)
		if l.Stuck() {
			t.Error("there are places, and the server says that there are none")
		}
		release(l, admit.Withdraw, withdrawn)
		release(l, admit.Enrol, enrolments)
	})
}

func TestPlacesFollowTheMachine(t *testing.T) {
	l := admit.New(admit.Config{Places: 64})
	places := func() int {
		_, n := l.Loads()
		return n
	}
	l.Step(0, 2)
	if places() != 64 {
		t.Errorf("nobody waited, and there are %d places, not 64", places())
	}
	for range 20 {
		l.Step(time.Second, 2)
	}
	if places() != 32 {
		t.Errorf("with a wait of a second there are %d places; the least for two processors are 32", places())
	}
	for range 40 {
		release(l, admit.Enrol, fill(l, admit.Enrol)) // until somebody found none
		l.Step(time.Microsecond, 2)
	}
	if places() != 512 {
		t.Errorf("with processors that are free there are %d places; the most for two are 512", places())
	}
	wantEmpty(t, l)
}
