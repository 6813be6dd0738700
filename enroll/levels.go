package enroll

import (
	"math/bits"
	"time"

	"github.com/touchmark/touchmark/ca"
)

const (
	// splitNotice is how long all CRLs of a finer split have stood in the bundle before
	// certificates name them, unless half of a CRL's lifetime is shorter: relying
	// parties have to fetch that often anyway.
	splitNotice = 5 * time.Minute
	// leastAhead and mostAhead bound how long before certificates can name a bucket its
	// CRL is published, half of a CRL's lifetime by itself: whoever fetches often enough
	// to have none that ended has the new bucket's in time.
	leastAhead = 2 * time.Hour
	mostAhead  = 24 * time.Hour
)

// ahead returns how long before certificates can name a bucket its CRL is published.
func (s *Service) ahead() time.Duration {
	return min(max(s.live().crlLifetime/2, leastAhead), mostAhead)
}

// levels is what the rows say of the shards of one expiry bucket, level by level: level
// b is all of its 2^b shards when it is split by b bits.
type levels struct {
	issued  uint64                      // certificates, in shards of any level
	known   [ca.MaxShardBits + 1]uint32 // how many shards of each level have a row
	settled [ca.MaxShardBits + 1]uint32 // of them, how many were published long enough ago
}

func (l *levels) note(shard Shard, settled bool) {
	bits := shard.Shard.Bits()
	l.issued += shard.Issued
	l.known[bits]++
	if settled {
		l.settled[bits]++
	}
}

// ready returns the levels that certificates may name, as a set of bits.
func (l *levels) ready() (set uint32) {
	for b, n := range l.settled {
		if n>>b != 0 {
			set |= 1 << b
		}
	}
	return set
}

// finest returns the finest level of a set that is no finer than want; 0, the whole
// bucket, may always be named.
func finest(set uint32, want uint8) uint8 {
	return uint8(bits.Len32(set&(1<<(want+1)-1)|1) - 1)
}

// soonBits returns how finely a bucket of n certificates will soon be split: once
// half of what its level takes has been issued, by one bit more.
func soonBits(n uint64) uint8 {
	now := splitBits(n)
	if now == ca.MaxShardBits {
		return now
	}
	return splitBits(n + splitAt<<now/2)
}

// settled reports whether a shard's CRL has stood in the bundle for splitNotice. It
// goes by the row alone, so that nodes and restarts agree: the second CRL comes no
// sooner than half of the first's lifetime, but where a clock was put back, where
// crl.lifetime was shortened, or where certificates name the shard already.
func (s *Service) settled(shard Shard, now time.Time) bool {
	return shard.Number > 1 ||
		shard.Number == 1 && !now.Before(shard.ThisUpdate.Add(min(splitNotice, s.live().crlLifetime/2)))
}
