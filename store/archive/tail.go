package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/touchmark/touchmark/enroll"
)

// Skippable frames (RFC 8878, section 3.1.2) and the seek table's own end.
const (
	magicIndex     = 0x184D2A5D
	magicSeekTable = 0x184D2A5E // as zstd's seekable format has it
	magicSeekable  = 0x8F92EAB1
	headerLength   = 8 // magic and length
	entryLength    = 8 // compressed and decompressed length
	footerLength   = 9 // number of frames, descriptor, magic
)

// Bounds of what is read of a file before any of it is believed.
const (
	maxFrames = 16 << 10
	maxIndex  = 4 << 20
)

// format is the first member of every index.
const format = "touchmark archive 1"

// tail is what the end of a file says of it.
type tail struct {
	Format string             `json:"format"`
	Kind   enroll.SegmentKind `json:"kind"`
	Items  uint64             `json:"items"`
	Last   hexKey             `json:"last"`
	Frames []indexed          `json:"frames"`

	extents []extent // of Frames
}

// indexed is a frame in the index.
type indexed struct {
	First hexKey `json:"first"`
	Items int    `json:"items"`
}

// extent is where a frame lies.
type extent struct {
	offset                   int64
	compressed, decompressed uint32
}

// hexKey is a key that stands as hexadecimal digits in JSON.
type hexKey []byte

// MarshalText implements encoding.TextMarshaler.
func (k hexKey) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *hexKey) UnmarshalText(text []byte) error {
	if len(text) > 2*maxKey {
		return errors.New("a key is too long")
	}
	key, err := hex.DecodeString(string(text))
	*k = key
	return err
}

// frameOf returns the frame that key stands in, if it stands anywhere.
func (t *tail) frameOf(key []byte) int {
	after := sort.Search(len(t.Frames), func(i int) bool { return bytes.Compare(t.Frames[i].First, key) > 0 })
	return max(after-1, 0)
}

// isOf checks that a file is the one that the store keeps as s.
func (t *tail) isOf(s enroll.Segment) error {
	if t.Kind != s.Kind || t.Items != s.Items || !bytes.Equal(t.Frames[0].First, s.First) || !bytes.Equal(t.Last, s.Last) {
		return fmt.Errorf("%w: it holds %d %s from %x to %x, and %d %s from %x to %x were written",
			ErrDamaged, t.Items, t.Kind, t.Frames[0].First, t.Last, s.Items, s.Kind, s.First, s.Last)
	}
	return nil
}

// encode returns the two skippable frames that end a file.
func (t *tail) encode() ([]byte, error) {
	index, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	if len(t.Frames) > maxFrames || len(index) > maxIndex-sha256.Size {
		return nil, fmt.Errorf("%d frames are too many for one file", len(t.Frames))
	}
	digest := sha256.Sum256(index)
	out := skippable(nil, magicIndex, sha256.Size+len(index))
	out = append(append(out, digest[:]...), index...)
	ours := extent{compressed: uint32(len(out))} // it decodes to nothing
	out = skippable(out, magicSeekTable, (len(t.extents)+1)*entryLength+footerLength)
	for _, e := range append(slices.Clone(t.extents), ours) {
		out = binary.LittleEndian.AppendUint32(out, e.compressed)
		out = binary.LittleEndian.AppendUint32(out, e.decompressed)
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(len(t.extents)+1))
	out = append(out, 0) // descriptor: no checksums in the table, frames have their own
	return binary.LittleEndian.AppendUint32(out, magicSeekable), nil
}

// skippable begins a skippable frame of length octets.
func skippable(to []byte, magic uint32, length int) []byte {
	to = binary.LittleEndian.AppendUint32(to, magic)
	return binary.LittleEndian.AppendUint32(to, uint32(length))
}

// readTail reads the end of a file of size octets. Errors about what stands there
// wrap ErrDamaged.
func readTail(r io.ReaderAt, size int64) (*tail, error) {
	extents, err := readSeekTable(r, size)
	if err != nil {
		return nil, err
	}
	last := len(extents) - 1
	frames, index := extents[:last], extents[last]
	payload, err := readSkippable(r, index.offset, int64(index.compressed), magicIndex)
	if err != nil {
		return nil, err
	}
	if len(payload) < sha256.Size || sha256.Sum256(payload[sha256.Size:]) != [sha256.Size]byte(payload[:sha256.Size]) {
		return nil, damaged("the index does not have its SHA-256")
	}
	t := &tail{}
	if err := json.Unmarshal(payload[sha256.Size:], t); err != nil {
		return nil, damaged("the index: %v", err)
	}
	t.extents = slices.Clone(frames)
	return t, t.check()
}

// check holds an index to what every index is like.
func (t *tail) check() error {
	if t.Format != format {
		return damaged("its format is %.40q, and this program reads %q", t.Format, format)
	}
	if len(t.Frames) == 0 || len(t.Frames) != len(t.extents) {
		return damaged("the index has %d frames, the seek table %d", len(t.Frames), len(t.extents))
	}
	var items uint64
	for i, f := range t.Frames {
		if f.Items < 1 || f.Items > frameItems || len(f.First) == 0 || i > 0 && bytes.Compare(t.Frames[i-1].First, f.First) >= 0 {
			return damaged("frame %d of the index is out of order", i)
		}
		items += uint64(f.Items)
	}
	if items != t.Items || bytes.Compare(t.Frames[len(t.Frames)-1].First, t.Last) > 0 {
		return damaged("the index does not add up")
	}
	return nil
}

// readSeekTable returns where the frames of a file lie; the last is the index.
// Together with the table they are the whole file.
func readSeekTable(r io.ReaderAt, size int64) ([]extent, error) {
	footer, err := readPart(r, size-footerLength, footerLength)
	if err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(footer))
	if footer[4] != 0 || binary.LittleEndian.Uint32(footer[5:]) != magicSeekable || n < 2 || n > maxFrames+1 {
		return nil, damaged("it does not end with a seek table")
	}
	length := headerLength + n*entryLength + footerLength
	table, err := readSkippable(r, size-length, length, magicSeekTable)
	if err != nil {
		return nil, err
	}
	extents, offset := make([]extent, n), int64(0)
	for i := range extents {
		entry := table[i*entryLength:]
		e := extent{offset, binary.LittleEndian.Uint32(entry), binary.LittleEndian.Uint32(entry[4:])}
		isIndex := i == len(extents)-1
		if isIndex && (e.decompressed != 0 || e.compressed > maxIndex+headerLength) || !isIndex && (e.decompressed > maxFrame || e.compressed > maxFrame) {
			return nil, damaged("frame %d is longer than any", i)
		}
		extents[i] = e
		offset += int64(e.compressed)
	}
	if offset != size-length {
		return nil, damaged("its frames have %d octets, and its seek table says %d", size-length, offset)
	}
	return extents, nil
}

// readSkippable returns the content of a skippable frame, which is length octets
// long with its header.
func readSkippable(r io.ReaderAt, offset, length int64, magic uint32) ([]byte, error) {
	if length < headerLength {
		return nil, damaged("a skippable frame is too short")
	}
	frame, err := readPart(r, offset, length)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(frame) != magic || int64(binary.LittleEndian.Uint32(frame[4:])) != length-headerLength {
		return nil, damaged("a skippable frame is not where it should be")
	}
	return frame[headerLength:], nil
}

// readPart reads a part of a file; the caller has bounded length.
func readPart(r io.ReaderAt, offset, length int64) ([]byte, error) {
	if offset < 0 {
		return nil, damaged("it is cut off")
	}
	part := make([]byte, length)
	_, err := io.ReadFull(io.NewSectionReader(r, offset, length), part)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, damaged("it is cut off")
	}
	return part, err
}

func damaged(text string, args ...any) error {
	return fmt.Errorf("%w: "+text, append([]any{ErrDamaged}, args...)...)
}
