package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/tlog"
)

// The Merkle tree is kept as tlog's tiles, of 256 hashes each: a tile of level l
// holds hashes of the tree's level 8l, and those between are computed.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Records walks the log, or the entries of one device's story.
func (r *reader) Records(f enroll.RecordFilter) (enroll.List[enroll.Record], error) {
	kind, t, prefix := recordsByIndex, records, []byte(nil)
	if f.Device != "" {
		kind, t, prefix = recordsByDevice, devices, deviceKey(f.Device, storyKey)
	}
	at, err := position(kind, f.After)
	if err != nil {
		return enroll.List[enroll.Record]{}, err
	}
	if f.From > 0 && bytes.Compare(at, numberKey(f.From-1)) < 0 {
		at = numberKey(f.From - 1)
	}
	if at != nil {
		at = append(bytes.Clone(prefix), at...)
	}
	walk := func(yield func(at, index []byte) bool) {
		for key := range r.keysAfter(t, prefix, at) {
			index := key[len(prefix):]
			if !yield(index, index) {
				return
			}
		}
	}
	return collect(kind, f.Page, walk, func(index []byte) (enroll.Record, bool, error) {
		leaf := r.bucket(records).Get(index)
		return enroll.Record{Index: binary.BigEndian.Uint64(index), Data: bytes.Clone(leaf)}, leaf != nil, nil
	})
}

func (r *reader) TreeSize() (uint64, error) {
	last, _ := r.bucket(records).Cursor().Last()
	if last == nil { // all of them were dropped, or there was never one
		return r.dropped(), nil
	}
	return number(last) + 1, nil
}

func (r *reader) Hashes() tlog.HashReader { return tlog.HashReaderFunc(r.readHashes) }

func (r *reader) readHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		t := tlog.TileForIndex(tileHeight, index)
		data := r.bucket(tiles).Get(tileKey(t.L, uint64(t.N)))
		if len(data) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("hash %d is not in the log's tree", index)
		}
		h, err := tlog.HashFromTile(t, data[:t.W*tlog.HashSize], index)
		if err != nil {
			return nil, fmt.Errorf("the log's tree: %w", err)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// appendEvents numbers events and writes them, the stories of their devices and
// the tree's new hashes. It returns the tree's new right edge.
func (s *snapshot) appendEvents(frontier audit.Frontier, events []event) (audit.Frontier, error) {
	edge := map[int]*tile{} // the tiles that grow, by level
	var done []tlog.Hash
	var stories [][]byte
	for _, e := range events {
		index := frontier.Size()
		leaf := e.leaf
		if leaf == nil {
			leaf = audit.Leaf(index, e.json)
		}
		done = frontier.Add(done[:0], leaf)
		if err := s.put(write{records, numberKey(index), leaf}); err != nil {
			return frontier, err
		}
		if e.device != "" {
			stories = append(stories, numberedDeviceKey(e.device, storyKey, index))
		}
		for height := 0; height < len(done); height += tileHeight {
			if err := s.addHash(edge, height, index>>height, done[height]); err != nil {
				return frontier, err
			}
		}
	}
	slices.SortFunc(stories, bytes.Compare) // as pending.ordered says
	for _, key := range stories {
		if err := s.put(write{devices, key, []byte{}}); err != nil {
			return frontier, err
		}
	}
	for _, level := range slices.Sorted(maps.Keys(edge)) {
		if err := s.putTile(level, edge[level]); err != nil {
			return frontier, err
		}
	}
	return frontier, nil
}

// tile is one that grows.
type tile struct {
	n    uint64
	data []byte
}

// addHash adds the n-th hash of a height of the tree to its tile.
func (s *snapshot) addHash(edge map[int]*tile, height int, n uint64, h tlog.Hash) error {
	level := height / tileHeight
	t := edge[level]
	if t == nil {
		t = &tile{n: n / tileWidth, data: make([]byte, 0, tileWidth*tlog.HashSize)}
		t.data = append(t.data, s.bucket(tiles).Get(tileKey(level, t.n))...)
		edge[level] = t
	}
	if uint64(len(t.data)) != n%tileWidth*tlog.HashSize || t.n != n/tileWidth {
		return fmt.Errorf("the log's tree does not go on at hash %d of height %d; restore the store from a backup", n, height)
	}
	t.data = append(t.data, h[:]...)
	if len(t.data) == tileWidth*tlog.HashSize {
		if err := s.putTile(level, t); err != nil {
			return err
		}
		*t = tile{n: t.n + 1}
	}
	return nil
}

// putTile writes a tile unless it has no hash yet.
func (s *snapshot) putTile(level int, t *tile) error {
	if len(t.data) == 0 {
		return nil
	}
	return s.put(write{tiles, tileKey(level, t.n), bytes.Clone(t.data)})
}
