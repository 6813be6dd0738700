package postgres

import (
	"slices"
	"time"
)

// What is kept is shared between transactions and never changed: it is copied
// from callers and to them.

// micros is a time as it is kept: to the microsecond, in UTC.
func micros(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

func clone[E any](s []E) []E {
	if len(s) == 0 {
		return nil
	}
	return slices.Clone(s)
}

func pointer[V any](p *V) *V {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
