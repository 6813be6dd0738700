package transfer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/storetest"
	"github.com/touchmark/touchmark/store/transfer"
)

// led is a store that another node leads from its n-th question on, up to a
// question.
type led struct {
	enroll.Store
	asked    atomic.Int64
	from, to int64
}

func (l *led) Lead(ctx context.Context, task enroll.Task) (uint64, error) {
	if n := l.asked.Add(1); n >= l.from && n < l.to {
		return 0, nil
	}
	return l.Store.Lead(ctx, task)
}

// slow is a store whose Views wait for their end.
type slow struct{ enroll.Store }

func (slow) View(ctx context.Context, _ func(enroll.Reader) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestNobodyElseWorksWithTheStores(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to int64
		slow     bool
		want     error
	}{
		{"a node at work", 1, 1 << 40, false, transfer.ErrInUse},
		{"a node that was killed", 1, 12, false, nil},
		{"a node that begins meanwhile", 5, 1 << 40, true, transfer.ErrInUse},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from := &led{Store: storetest.NewMemory(), from: test.from, to: test.to}
				to := storetest.NewMemory()
				w := newWorld(10)
				w.devices = 3
				w.fill(t, from)
				if test.slow {
					to = slow{to}
				}
				if _, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: to}); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		})
	}
}
