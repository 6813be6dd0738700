package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/tlog"
)

// logBegin reads how long the log is and where its records begin. What stands
// before them is in the archive; the tree has the hashes of their tiles.
func (v *verifier) logBegin() error {
	var err error
	if v.size, err = v.TreeSize(); err != nil {
		return err
	}
	value := v.get(meta, droppedKey())
	if value == nil {
		return nil
	}
	if v.first = v.dropped(); v.first%tileWidth != 0 || v.first == 0 || v.first > v.size {
		return rowFault(meta, droppedKey(), fmt.Errorf("%x is not where the records of a log of %d begin", value, v.size))
	}
	if v.tree, err = audit.FrontierAt(v.first, v.Hashes()); err != nil {
		return err
	}
	if root := v.tree.Root(); !bytes.Equal(value[8:], root[:]) {
		return rowFault(meta, droppedKey(), errors.New("the log's tree has another root of what was dropped"))
	}
	return nil
}

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
	device, err := deviceIn(leaf)
	if err != nil || device == "" {
		return err
	}
	return v.expect(index{devices, storyKey}, numberedDeviceKey(device, storyKey, at), nil)
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

// tile checks that the log has a tile and how many hashes are in it. Record has
// looked at each of them, unless what they are of was dropped: a full tile hashes
// to what the tile above has.
func (v *verifier) tile(key, value []byte) error {
	v.tiles++
	if err := sized(key, 9); err != nil {
		return err
	}
	level, n := int(key[0]), binary.BigEndian.Uint64(key[1:])
	hashes := hashesOf(v.size, level)
	if n >= tilesOf(hashes) || level == 0 && n < v.first/tileWidth {
		return errors.New("the log has no such tile")
	}
	count := min(hashes-n*tileWidth, tileWidth)
	if err := sized(value, int(count)*tlog.HashSize); err != nil || count < tileWidth {
		return err
	}
	if v.hash(level+1, n) != rootOf(value) {
		return errors.New("it does not hash to what the tile above has")
	}
	return nil
}

// rootOf returns the root of the subtree whose leaves are the hashes of a full
// tile.
func rootOf(hashes []byte) tlog.Hash {
	var tree audit.Frontier
	for ; len(hashes) > 0; hashes = hashes[tlog.HashSize:] {
		tree.AddHash(nil, tlog.Hash(hashes[:tlog.HashSize]))
	}
	return tree.Root()
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
	case v.tiles != all-v.first/tileWidth:
		return fmt.Errorf("the log's tree has %d tiles, and should have %d", v.tiles, all-v.first/tileWidth)
	case v.tree.Size() != kept.Size() || v.tree.Root() != kept.Root():
		return errors.New("the log's tree has another root than its records")
	}
	return nil
}
