package ca

import "time"

// ShardWidth returns the width of the buckets of certificates whose profile has this
// lifetime, 0 to 14: see [ShardID].
func ShardWidth(lifetime time.Duration) uint8 { return shardWidth(lifetime) }

// WidthLifetimes returns which lifetimes have buckets of this width: those over the
// first and up to the second. Greater widths than 14 count as 14.
func WidthLifetimes(width uint8) (over, upTo time.Duration) {
	width = min(width, maxShardWidth)
	upTo = time.Duration(bucketSeconds(width)) * time.Second
	if width > 0 {
		over = upTo / 2
	}
	return over, upTo
}

// ShardsBetween returns the unsplit shards of this width, 0 to 14, whose buckets hold
// an end of validity from first to last, both included, the earliest first. Times
// before 1970 count as 1970.
func ShardsBetween(width uint8, first, last time.Time) []ShardID {
	width = min(width, maxShardWidth)
	var ids []ShardID
	for bucket := max(bucketOf(first, width), 0); bucket <= bucketOf(last, width); bucket++ {
		ids = append(ids, shard{width: width, bucket: bucket}.id())
	}
	return ids
}

// Width returns the width of the shard's bucket, 0 to 14.
func (id ShardID) Width() uint8 {
	s, _ := parseShard(string(id))
	return s.width
}

// Split returns the shard of the same bucket that has this index when the bucket is
// split into 2^bits CRLs; it is empty where there is none, or for an id that
// [ParseShardID] would refuse.
func (id ShardID) Split(bits uint8, index uint32) ShardID {
	s, err := parseShard(string(id))
	if err != nil || bits > MaxShardBits || index>>bits != 0 {
		return ""
	}
	s.bits, s.index = bits, index
	return s.id()
}
