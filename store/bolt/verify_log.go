package bolt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// record checks the next record of the log: it hashes to what the tiles have, and
// stands in its device's story.
func (v *verifier) record(key, leaf []byte) error {
	at := v.tree.Size()
	if err := sized(key, 8); err != nil {
		return err
	}
	if found := binary.BigEndian.Uint64(key); found != at {
		return fmt.Errorf("record %d stands where record %d should", found, at)
	}
	for height, hash := range v.tree.Add(nil, leaf) {
		if height%tileHeight != 0 {
			continue
		}
		if found := v.hash(height/tileHeight, at>>height); found != hash {
			return fmt.Errorf("it does not hash to what the log's tree has at height %d", height)
		}
	}
	var about struct {
		Device identity.DeviceID `json:"device"`
	}
	if err := json.Unmarshal(leaf, &about); err != nil || about.Device == "" {
		return err
	}
	return v.expect(index{devices, storyKey}, numberedDeviceKey(about.Device, storyKey, at), nil)
}

// hash returns the n-th hash of a level of the tiles, and zero where there is
// none.
func (v *verifier) hash(level int, n uint64) tlog.Hash {
	t, known := v.edge[level]
	if !known || t.n != n/tileWidth {
		t = tile{n: n / tileWidth, data: v.get(tiles, tileKey(level, n/tileWidth))}
		v.edge[level] = t
	}
	at := int(n % tileWidth * tlog.HashSize)
	if len(t.data) < at+tlog.HashSize {
		return tlog.Hash{}
	}
	return tlog.Hash(t.data[at : at+tlog.HashSize])
}

// tile checks that the log has a tile and how many hashes are in it; record has
// looked at each of them.
func (v *verifier) tile(key, value []byte) error {
	v.tiles++
	if err := sized(key, 9); err != nil {
		return err
	}
	hashes, n := hashesOf(v.size, int(key[0])), binary.BigEndian.Uint64(key[1:])
	if n >= tilesOf(hashes) {
		return errors.New("the log has no such tile")
	}
	return sized(value, int(min(hashes-n*tileWidth, tileWidth))*tlog.HashSize)
}

// hashesOf returns how many hashes a level of the tiles has for a log of a size.
func hashesOf(size uint64, level int) uint64 {
	return size >> (level * tileHeight) // 0 for what no log reaches
}

func tilesOf(hashes uint64) uint64 { return (hashes + tileWidth - 1) / tileWidth }

// logEnd checks that the log has all its tiles, and the root that the store goes
// on from.
func (v *verifier) logEnd() error {
	var all uint64
	for level := 0; hashesOf(v.size, level) > 0; level++ {
		all += tilesOf(hashesOf(v.size, level))
	}
	kept, err := readFrontier(v.tx)
	switch {
	case err != nil:
		return err
	case v.tiles != all:
		return fmt.Errorf("the log's tree has %d tiles, and should have %d", v.tiles, all)
	case v.tree.Size() != kept.Size() || v.tree.Root() != kept.Root():
		return errors.New("the log's tree has another root than its records")
	}
	return nil
}
