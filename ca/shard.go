package ca

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxShardBits is the greatest number of times that an expiry bucket can be
	// split in two: 20 bits make a million CRLs of one bucket.
	MaxShardBits = 20

	maxShardWidth = 14 // 2^14 days are 44 years, more than any profile's lifetime
	maxShardText  = 40 // more than any id has
	daySeconds    = 24 * 60 * 60
)

// ShardID names one CRL of an issuer: "<width>-<bucket>-<bits>-<index>", all
// decimal without leading zeros, such as "0-20410-2-3".
//
//   - width, 0 to 14: buckets are 2^width days wide, the narrowest that are not
//     narrower than the profile's lifetime;
//   - bucket: notAfter divided by that width, counted from 1970;
//   - bits, 0 to 20: how many leading bits of the serial number's random part
//     split the bucket;
//   - index: the value of those bits.
//
// A certificate's shard is settled at issuance. Buckets lie in the past once
// their certificates have expired, so no id is ever used again. The empty
// ShardID means that no CRL speaks for the certificate.
type ShardID string

// ShardChooser picks the shard of a new certificate from its serial number and
// its profile's lifetime, with [ShardFor] and the number of splits that fits
// the number of live certificates. It must not block.
type ShardChooser func(serial Serial, lifetime time.Duration) ShardID

// ShardFor returns the shard of the certificate with this serial number, whose
// profile has this lifetime, when each bucket is split into 2^bits CRLs. More
// than [MaxShardBits] bits count as MaxShardBits.
func ShardFor(serial Serial, lifetime time.Duration, bits uint8) ShardID {
	bits = min(bits, MaxShardBits)
	width := shardWidth(lifetime)
	leading := uint32(serial[serialRandom])<<16 | uint32(serial[serialRandom+1])<<8 | uint32(serial[serialRandom+2])
	return shard{
		width:  width,
		bucket: bucketOf(serial.NotAfter(), width),
		bits:   bits,
		index:  leading >> (24 - bits),
	}.id()
}

// ParseShardID reads a shard id. Only the one canonical spelling of each shard
// is accepted, so that an id can be used as a key as it stands.
func ParseShardID(text string) (ShardID, error) {
	if _, err := parseShard(text); err != nil {
		return "", err
	}
	return ShardID(text), nil
}

// String returns the id as it stands in addresses.
func (id ShardID) String() string { return string(id) }

// Expires returns the end of the shard's bucket, in UTC: by then every
// certificate of the shard has expired. It is the zero time for an id that
// [ParseShardID] would refuse.
func (id ShardID) Expires() time.Time {
	s, err := parseShard(string(id))
	if err != nil {
		return time.Time{}
	}
	return time.Unix((s.bucket+1)*bucketSeconds(s.width), 0).UTC()
}

// Bits returns how many leading random bits of the serial number split the
// shard's bucket, 0 to 20.
func (id ShardID) Bits() uint8 {
	s, _ := parseShard(string(id))
	return s.bits
}

// Family returns "<width>-<bucket>", which the shards of one bucket share
// whatever their number of splits.
func (id ShardID) Family() string {
	s, err := parseShard(string(id))
	if err != nil {
		return ""
	}
	return s.family()
}

// Contains reports whether the CRL of this shard may list the serial number.
func (id ShardID) Contains(serial Serial) bool {
	s, err := parseShard(string(id))
	if err != nil {
		return false
	}
	lifetime := time.Duration(bucketSeconds(s.width)) * time.Second
	return ShardFor(serial, lifetime, s.bits) == id
}

type shard struct {
	width  uint8
	bucket int64
	bits   uint8
	index  uint32
}

func (s shard) family() string { return string(s.appendFamily(nil)) }

func (s shard) appendFamily(text []byte) []byte {
	text = append(strconv.AppendUint(text, uint64(s.width), 10), '-')
	return strconv.AppendInt(text, s.bucket, 10)
}

func (s shard) id() ShardID {
	text := append(s.appendFamily(make([]byte, 0, maxShardText)), '-')
	text = append(strconv.AppendUint(text, uint64(s.bits), 10), '-')
	return ShardID(strconv.AppendUint(text, uint64(s.index), 10))
}

func parseShard(text string) (shard, error) {
	fields := strings.Split(text, "-")
	if len(text) > maxShardText || len(fields) != 4 {
		return shard{}, badShard(text)
	}
	var n [4]uint64
	for i, field := range fields {
		var err error
		if n[i], err = strconv.ParseUint(field, 10, 32); err != nil {
			return shard{}, badShard(text)
		}
	}
	if n[0] > maxShardWidth || n[2] > MaxShardBits || n[3]>>n[2] != 0 ||
		int64(n[1]) > maxSerialMS/1000/bucketSeconds(uint8(n[0])) {
		return shard{}, badShard(text)
	}
	s := shard{width: uint8(n[0]), bucket: int64(n[1]), bits: uint8(n[2]), index: uint32(n[3])}
	if string(s.id()) != text { // leading zeros, signs
		return shard{}, badShard(text)
	}
	return s, nil
}

func badShard(text string) error {
	return fmt.Errorf("not a CRL shard: %.40q; want width-bucket-bits-index in decimal, such as 0-20410-2-3", text)
}

func bucketSeconds(width uint8) int64 { return daySeconds << width }

func bucketOf(notAfter time.Time, width uint8) int64 {
	return notAfter.Unix() / bucketSeconds(width)
}

func shardWidth(lifetime time.Duration) uint8 {
	var width uint8
	for width < maxShardWidth && time.Duration(bucketSeconds(width))*time.Second < lifetime {
		width++
	}
	return width
}
