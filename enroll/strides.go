package enroll

import (
	"sync"
	"time"
)

// Actions of one person within strideMinutes count together against a branch's
// approval_over, so that many small steps are no way around it.
const strideMinutes = 60

// maxStriders bounds how many persons are remembered.
const maxStriders = 10_000

// strides counts on how many devices each person acted of late, on this node.
type strides struct {
	mu   sync.Mutex // guards what follows
	seen map[string]*stride
}

// stride counts one person's by minute; last is the latest, in Unix minutes.
type stride struct {
	last    int64
	devices [strideMinutes]int
}

func newStrides() *strides { return &strides{seen: map[string]*stride{}} }

// stridden is what was counted, as long as it can be taken back.
type stridden struct {
	who    string
	n      int
	minute int64
}

// add counts actions on n devices.
func (s *strides) add(who string, n int, now time.Time) stridden {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.seen[who]
	if it == nil {
		if len(s.seen) >= maxStriders {
			clear(s.seen)
		}
		it = &stride{}
		s.seen[who] = it
	}
	it.advance(now)
	it.devices[it.last%strideMinutes] += n
	return stridden{who: who, n: n, minute: it.last}
}

// takeBack takes back what was counted of actions that came to nothing.
func (s *strides) takeBack(c *stridden) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.seen[c.who]; it != nil && it.last-c.minute < strideMinutes {
		devices := &it.devices[c.minute%strideMinutes]
		*devices = max(*devices-c.n, 0) // all may have been forgotten since
	}
	*c = stridden{}
}

// lately returns on how many devices somebody acted within the last hour.
func (s *strides) lately(who string, now time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.seen[who]
	if it == nil {
		return 0
	}
	it.advance(now)
	for _, devices := range it.devices {
		n += devices
	}
	return n
}

// advance forgets the minutes that have gone out of sight.
func (s *stride) advance(now time.Time) {
	minute := now.Unix() / 60
	if minute-s.last >= strideMinutes {
		s.devices, s.last = [strideMinutes]int{}, minute
	}
	for ; s.last < minute; s.last++ {
		s.devices[(s.last+1)%strideMinutes] = 0
	}
}
