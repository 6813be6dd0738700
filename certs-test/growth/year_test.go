package growth_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/archive"
)

// day is how often everybody renews.
const day = 24 * time.Hour

// TestYear has devices renew every day. What they leave behind moves to the
// archive, so that the store at the end is hardly larger than after two weeks.
func TestYear(t *testing.T) {
	eachKeeper(t, func(t *testing.T, k keeper) {
		s := newSite(t)
		kept := open(t, k.url())
		defer func() { check(t, kept.Close()) }()
		files, err := archive.Open(t.TempDir())
		check(t, err)
		check(t, s.serve(t.Context(), kept, func(c *enroll.Config) {
			c.Retention = enroll.Retention{Archive: files, Certificates: 3 * day, Records: 7 * day}
		}))
		ctx, stop := context.WithCancel(t.Context())
		var running errgroup.Group
		running.Go(func() error { return s.Run(ctx) })
		defer func() { stop(); check(t, running.Wait()) }()

		order, err := s.order(ctx, "/berlin/line-3")
		check(t, err)
		fleet := newDevices(t, 0, *yearly)
		check(t, s.enrol(ctx, order, fleet))
		var afterTwoWeeks, atEnd int64
		for i := 1; i <= *days; i++ {
			s.advance(day)
			check(t, s.renew(ctx, fleet))
			check(t, s.ArchiveDue(ctx))
			if i%7 == 0 || i == *days {
				atEnd, err = k.size(ctx)
				check(t, err)
			}
			if i == 14 {
				afterTwoWeeks = atEnd
			}
		}
		limit := 1.2
		if !*full { // 4,096 records make a file of the archive, and few devices take long to fill it
			limit = 1.5
		}
		atMost(t, true, "size of the store in KB, at the end to two weeks", float64(atEnd>>10), float64(afterTwoWeeks>>10), limit)
	})
}
