package enroll

import (
	"math/bits"
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
)

const (
	// splitAt is how many certificates a CRL shard takes before new ones go to a
	// finer split: under 10,000 entries even if all of them were revoked, and each
	// of several nodes had some that the others do not know of.
	splitAt = 5_000
	// tellAt is how many for each shard of a bucket a node keeps to itself before it
	// writes them down, and tellEvery how long.
	tellAt    = splitAt / 10
	tellEvery = 5 * time.Second
)

// splits chooses CRL shards for new certificates. It counts in memory what is
// issued; now and then the counts go to the shards' rows, where those of other
// nodes are found: issuance touches no counter. A count lost in a crash makes a
// shard a little larger, nothing else. A finer split is chosen once the rows say that
// all of its CRLs have been published for a while (levels.go); publisher makes them.
type splits struct {
	work chan struct{} // holds a token while there is much to write down

	mu       sync.Mutex // guards what follows
	families map[familyKey]*family
}

type familyKey struct{ issuer, family string }

// family is the shards of one expiry bucket of an issuer.
type family struct {
	total   uint64              // issued in this bucket, as far as is known
	ready   uint32              // the levels that certificates may name, as a set of bits
	untold  uint64              // of them, how many are in unsaved
	unsaved map[ShardKey]uint64 // issued here and not yet written to the shard's row
}

func newSplits() *splits {
	return &splits{work: make(chan struct{}, 1), families: map[familyKey]*family{}}
}

// choose returns the chooser for an issuer's new certificates.
func (s *splits) choose(issuer string) ca.ShardChooser {
	return func(serial ca.Serial, lifetime time.Duration) ca.ShardID {
		whole := ca.ShardFor(serial, lifetime, 0)
		s.mu.Lock()
		defer s.mu.Unlock()
		known := s.families[familyKey{issuer, whole.Family()}]
		if known == nil || known.total < splitAt {
			return whole
		}
		return ca.ShardFor(serial, lifetime, finest(known.ready, splitBits(known.total)))
	}
}

// splitBits returns how finely a bucket of n certificates is split. The levels
// before took splitAt certificates for each of their shards, (2^b - 1) × splitAt
// in all, so that level b begins there.
func splitBits(n uint64) uint8 {
	return min(uint8(bits.Len64(n/splitAt+1)-1), ca.MaxShardBits)
}

// issued counts a certificate of a shard.
func (s *splits) issued(key ShardKey) {
	if key.Shard == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.family(key)
	f.total++
	f.add(key, 1)
	if f.untold >= tellAt<<splitBits(f.total) {
		select {
		case s.work <- struct{}{}:
		default:
		}
	}
}

// take returns the counts that the rows do not have yet, which they have from then
// on; putBack undoes that.
func (s *splits) take() map[ShardKey]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[ShardKey]uint64{}
	for _, f := range s.families {
		for key, n := range f.unsaved {
			all[key] = n
		}
		f.unsaved, f.untold = map[ShardKey]uint64{}, 0
	}
	return all
}

func (s *splits) putBack(counts map[ShardKey]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, n := range counts {
		s.family(key).add(key, n)
	}
}

// learn replaces what is known by what the rows say, and forgets buckets that have
// none any more.
func (s *splits) learn(rows map[familyKey]*levels) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, f := range s.families {
		if rows[at] == nil {
			if f.total, f.ready = f.untold, 0; f.total == 0 {
				delete(s.families, at)
			}
		}
	}
	for at, row := range rows {
		f := s.families[at]
		if f == nil {
			f = &family{unsaved: map[ShardKey]uint64{}}
			s.families[at] = f
		}
		f.total, f.ready = row.issued+f.untold, row.ready()
	}
}

// family returns a shard's family, made if there is none. The caller holds mu.
func (s *splits) family(key ShardKey) *family {
	at := familyKey{key.Issuer, key.Shard.Family()}
	f := s.families[at]
	if f == nil {
		f = &family{unsaved: map[ShardKey]uint64{}}
		s.families[at] = f
	}
	return f
}

func (f *family) add(key ShardKey, n uint64) {
	f.untold += n
	f.unsaved[key] += n
}
