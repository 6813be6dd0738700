package ocsp

import (
	"errors"
	"time"
)

// ahead is how far an answer may be of the future: thisUpdate is in whole seconds, and
// clocks tremble.
const ahead = time.Second

// span is between what the earliest and the latest answer is to what time it is now.
// Where the clock is believed they are one.
type span struct{ from, to time.Time }

func (r *Responder) now() span {
	from, to := r.config.Span()
	return span{from, to}
}

// inSeconds is the span as answers have it (RFC 6960, section 4.2.2.1).
func (s span) inSeconds() span {
	return span{s.from.UTC().Truncate(time.Second), s.to.UTC().Truncate(time.Second)}
}

// Failing returns why responder certificates could not be obtained or renewed when
// that was last tried, of every issuer for which that is so; nil for none.
func (r *Responder) Failing() error {
	r.delegates.mu.Lock()
	defer r.delegates.mu.Unlock()
	var failures []error
	for _, s := range r.delegates.slots {
		if failure := s.failing.Load(); failure != nil {
			failures = append(failures, *failure)
		}
	}
	return errors.Join(failures...)
}
