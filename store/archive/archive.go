package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/touchmark/touchmark/enroll"
)

// ErrDamaged is wrapped by every error about a file that is not what was written.
var ErrDamaged = errors.New("the file is damaged")

// What is remembered of files that were read: tails by their number of frames,
// and decoded frames by their size in bytes.
const (
	rememberedFrames = 64 << 10
	rememberedBytes  = 16 << 20
	// decoding is how many frames may be decoded at once.
	decoding = 4
)

// Archive is an enroll.Archive in a folder. Its methods may be called
// concurrently, and by several processes that see the same folder.
type Archive struct {
	dir     string
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	tails   *cache[string, *tail]
	frames  *cache[place, []enroll.Item]
}

var _ enroll.Archive = (*Archive)(nil)

// place is a frame of a file.
type place struct {
	name  string
	frame int
}

// Open opens the archive in dir, and makes the folder (mode 0700) where there is
// none. There is nothing to close.
func Open(dir string) (*Archive, error) {
	if err := makeFolders(dir); err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(decoding), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	return &Archive{
		dir: dir, encoder: encoder, decoder: decoder,
		tails: newCache[string, *tail](rememberedFrames), frames: newCache[place, []enroll.Item](rememberedBytes),
	}, nil
}

// Get implements enroll.Archive.
func (a *Archive) Get(ctx context.Context, s enroll.Segment, key []byte) ([]byte, error) {
	found, err := a.Read(ctx, s, key, 1)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || !slices.Equal(found[0].Key, key) {
		return nil, enroll.ErrNotFound
	}
	return found[0].Value, nil
}

// Read implements enroll.Archive.
func (a *Archive) Read(ctx context.Context, s enroll.Segment, from []byte, limit int) ([]enroll.Item, error) {
	path, err := a.path(s)
	if err != nil {
		return nil, err
	}
	found, err := a.read(ctx, s, path, from, limit)
	if err != nil {
		return nil, fileError(path, err)
	}
	return found, nil
}

func (a *Archive) read(ctx context.Context, s enroll.Segment, path string, from []byte, limit int) (found []enroll.Item, err error) {
	file := &lazyFile{path: path}
	defer func() { err = errors.Join(err, file.close()) }()
	t, err := a.tail(file, s)
	if err != nil {
		return nil, err
	}
	for i := t.frameOf(from); i < len(t.Frames) && len(found) < limit; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		items, err := a.frame(file, s, t, i)
		if err != nil {
			return nil, err
		}
		begin, _ := slices.BinarySearchFunc(items, from, compareKey)
		for _, item := range items[begin:min(len(items), begin+limit-len(found))] {
			found = append(found, enroll.Item{Key: slices.Clone(item.Key), Value: slices.Clone(item.Value)})
		}
	}
	return found, nil
}

// tail returns what the end of a file says of it, checked against its segment.
func (a *Archive) tail(file *lazyFile, s enroll.Segment) (*tail, error) {
	if t, ok := a.tails.get(s.Name); ok {
		return t, nil
	}
	f, size, err := file.open()
	if err != nil {
		return nil, err
	}
	t, err := readTail(f, size)
	if err != nil {
		return nil, err
	}
	if err := t.isOf(s); err != nil {
		return nil, err
	}
	a.tails.put(s.Name, t, len(t.Frames))
	return t, nil
}

// frame returns the items of a file's i-th frame, which must not be changed.
func (a *Archive) frame(file *lazyFile, s enroll.Segment, t *tail, i int) ([]enroll.Item, error) {
	at := place{s.Name, i}
	if items, ok := a.frames.get(at); ok {
		return items, nil
	}
	f, _, err := file.open()
	if err != nil {
		return nil, err
	}
	extent := t.extents[i]
	compressed := make([]byte, extent.compressed)
	if _, err := io.ReadFull(io.NewSectionReader(f, extent.offset, int64(extent.compressed)), compressed); err != nil {
		return nil, fmt.Errorf("read frame %d: %w", i, err)
	}
	text, err := a.decoder.DecodeAll(compressed, make([]byte, 0, extent.decompressed))
	if err != nil {
		return nil, fmt.Errorf("%w: frame %d: %w", ErrDamaged, i, err)
	}
	items, err := parseFrame(text)
	if err == nil && (len(text) != int(extent.decompressed) || len(items) != t.Frames[i].Items || !slices.Equal(items[0].Key, t.Frames[i].First)) {
		err = errors.New("it does not hold what the index says")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: frame %d: %w", ErrDamaged, i, err)
	}
	a.frames.put(at, items, len(text))
	return items, nil
}

// Check reads the whole of a segment's file and compares its SHA-256 with what
// the store kept of it.
func (a *Archive) Check(ctx context.Context, s enroll.Segment) error {
	path, err := a.path(s)
	if err != nil {
		return err
	}
	digest, err := digestOf(ctx, path)
	if err == nil && digest != s.Digest {
		err = fmt.Errorf("%w: its SHA-256 is %x, and %x was written", ErrDamaged, digest, s.Digest)
	}
	if err != nil {
		return fileError(path, err)
	}
	return nil
}

func digestOf(ctx context.Context, path string) (digest [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return digest, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash, part := sha256.New(), make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return digest, err
		}
		n, err := f.Read(part)
		hash.Write(part[:n])
		if errors.Is(err, io.EOF) {
			return [sha256.Size]byte(hash.Sum(nil)), nil
		}
		if err != nil {
			return digest, err
		}
	}
}

// fileError names the file, and what to do.
func fileError(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("archive file %s is not there (every node needs the same folder; put it back from a backup): %w", path, err)
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("archive file %s (put it back from a backup): %w", path, err)
	default:
		return fmt.Errorf("archive file %s: %w", path, err)
	}
}

// path returns where a segment's file lies. Its name must be the one that the
// rest of the segment gives it.
func (a *Archive) path(s enroll.Segment) (string, error) {
	if want, err := nameOf(s); err != nil || s.Name != want {
		return "", errors.Join(fmt.Errorf("%.100q is not the name of an archive file of its kind, first key and digest", s.Name), err)
	}
	return filepath.Join(a.dir, filepath.FromSlash(s.Name)), nil
}

// lazyFile is opened where it is first read.
type lazyFile struct {
	path string
	file *os.File
	size int64
}

func (l *lazyFile) open() (*os.File, int64, error) {
	if l.file != nil {
		return l.file, l.size, nil
	}
	file, err := os.Open(l.path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is no file", ErrDamaged)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	l.file, l.size = file, info.Size()
	return file, l.size, nil
}

func (l *lazyFile) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
