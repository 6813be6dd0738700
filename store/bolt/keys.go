package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// What stands beside a device's row in the tree of devices, after its id: so
// that recording an issuance touches no further page. No id contains an octet
// below lowestInID, so the keys of one device are neighbours, and none of them
// is a key of another.
const (
	deviceRowKey byte = 0x00 // -> row
	storyKey     byte = 0x01 // index of a record -> nothing
	lineageKey   byte = 0x02 // how-manieth certificate -> its serial number
	afterDevice  byte = 0x03 // above every key of the device
	lowestInID   byte = '-'
)

// separator ends an id of variable length within a key.
const separator byte = 0x00

// maxKey bounds a key, in octets; the longest that is meant is a CRL entry's.
const maxKey = 1024

func deviceKey(id identity.DeviceID, kind byte) []byte {
	return append(append(make([]byte, 0, len(id)+1), id...), kind)
}

func numberedDeviceKey(id identity.DeviceID, kind byte, number uint64) []byte {
	key := append(make([]byte, 0, len(id)+9), id...)
	return binary.BigEndian.AppendUint64(append(key, kind), number)
}

func fleetDeviceKey(fleet identity.FleetID, created stamp, id identity.DeviceID) []byte {
	key := append(make([]byte, 0, len(fleet)+9+len(id)), fleet...)
	key = binary.BigEndian.AppendUint64(append(key, separator), uint64(created))
	return append(key, id...)
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func tileKey(level int, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, n)
}

// joined puts ids of variable length together in one key.
func joined(ids ...string) []byte {
	size := 0
	for _, id := range ids {
		size += len(id) + 1
	}
	key := make([]byte, 0, size)
	for i, id := range ids {
		if i > 0 {
			key = append(key, separator)
		}
		key = append(key, id...)
	}
	return key
}

func shardKey(k enroll.ShardKey) []byte { return joined(k.Issuer, string(k.Shard)) }

// entryKey is the key of a shard's entry; without a serial number it is the
// prefix of all of them.
func entryKey(k enroll.ShardKey, serial []byte) []byte {
	return append(joined(k.Issuer, string(k.Shard), ""), serial...)
}

// checkID refuses what would make a key of one thing look like that of another.
func checkID(what string, id string) error {
	if id == "" || len(id) > 255 || bytes.IndexByte([]byte(id), separator) >= 0 {
		return fmt.Errorf("%s %.40q cannot be recorded: it is empty, has a zero octet or is longer than 255", what, id)
	}
	return nil
}

func checkDeviceID(id identity.DeviceID) error {
	_, err := identity.ParseDeviceID(string(id))
	return err
}

func checkShardKey(k enroll.ShardKey) error {
	if err := checkID("issuer", k.Issuer); err != nil {
		return err
	}
	return checkID("shard", string(k.Shard))
}

// after returns the first key that is above every key with the prefix, which
// must hold an octet below 0xff.
func after(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}

func number(value []byte) uint64 {
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

func toSerial(value []byte) ca.Serial {
	var s ca.Serial
	copy(s[:], value)
	return s
}
