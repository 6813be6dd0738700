package enroll

import (
	"math/bits"
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// splitAt is how many certificates a CRL shard takes before new ones go to a
// finer split: under 10,000 entries even if all of them were revoked and every
// node of a few counted late.
const splitAt = 5_000

// splits chooses CRL shards for new certificates. It counts in memory what is
// issued, and the publisher writes the counts to the shards' rows now and then:
// issuance touches no counter. A count lost in a crash makes a shard a little
// larger, nothing else.
type splits struct {
	mu       sync.Mutex // guards what follows
	families map[familyKey]*family
}

type familyKey struct{ issuer, family string }

// family is the shards of one expiry bucket of an issuer.
type family struct {
	total   uint64              // issued in this bucket, as far as is known
	unsaved map[ShardKey]uint64 // issued and not yet written to the shard's row
}

func newSplits() *splits { return &splits{families: map[familyKey]*family{}} }

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
		return ca.ShardFor(serial, lifetime, splitBits(known.total))
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
	f.unsaved[key]++
}

// learn adds what a shard's row says was issued before this process began.
func (s *splits) learn(shard Shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.family(shard.ShardKey).total += shard.Issued
}

// forget drops a bucket whose certificates have all expired.
func (s *splits) forget(key ShardKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.families, familyKey{key.Issuer, key.Shard.Family()})
}

// take returns the count of a shard that its row does not have yet, which it has
// from then on; putBack undoes that.
func (s *splits) take(key ShardKey) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.family(key)
	n := f.unsaved[key]
	delete(f.unsaved, key)
	return n
}

func (s *splits) putBack(key ShardKey, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.family(key).unsaved[key] += n
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
