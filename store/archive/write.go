package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/touchmark/touchmark/enroll"
)

// kinds are the folders of an archive.
func kinds() []enroll.SegmentKind {
	return []enroll.SegmentKind{enroll.CertificateSegments, enroll.RecordSegments}
}

// nameOf returns what a segment's file is called, with slashes.
func nameOf(s enroll.Segment) (string, error) {
	for _, kind := range kinds() {
		if s.Kind == kind && len(s.First) > 0 && len(s.First) <= maxKey {
			return path.Join(string(kind), fmt.Sprintf("%x-%x.jsonl.zst", s.First, s.Digest)), nil
		}
	}
	return "", fmt.Errorf("there is no archive of %.40q that begins with %.130x", s.Kind, s.First)
}

// makeFolders makes what is missing of an archive's folders, durably.
func makeFolders(dir string) error {
	for _, kind := range kinds() {
		if err := os.MkdirAll(filepath.Join(dir, string(kind)), 0o700); err != nil {
			return err
		}
	}
	return errors.Join(syncFolder(dir), syncFolder(filepath.Dir(filepath.Clean(dir))))
}

// Put implements enroll.Archive. Items with keys of 1 to 64 octets and values of
// at most 2 MiB make at most 16,384 frames of a file.
func (a *Archive) Put(ctx context.Context, kind enroll.SegmentKind, items []enroll.Item) (enroll.Segment, error) {
	if len(items) == 0 {
		return enroll.Segment{}, errors.New("archive: no items make no file")
	}
	s := enroll.Segment{Kind: kind, First: items[0].Key, Last: items[len(items)-1].Key, Items: uint64(len(items))}
	if _, err := nameOf(s); err != nil {
		return enroll.Segment{}, err
	}
	folder := filepath.Join(a.dir, string(kind))
	temporary, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return enroll.Segment{}, fmt.Errorf("archive: %w", err)
	}
	s.Digest, err = a.write(ctx, temporary, s, items)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		s.Name, err = nameOf(s)
	}
	if err == nil {
		err = a.place(ctx, temporary.Name(), s)
	}
	if err = errors.Join(err, os.Remove(temporary.Name())); err != nil {
		return enroll.Segment{}, fmt.Errorf("archive: %w", err)
	}
	return s, syncFolder(folder)
}

// place gives a file its name. One that is there already is of the same bytes, as
// its name says, or damaged.
func (a *Archive) place(ctx context.Context, temporary string, s enroll.Segment) error {
	err := os.Link(temporary, filepath.Join(a.dir, filepath.FromSlash(s.Name)))
	if errors.Is(err, fs.ErrExist) {
		return a.Check(ctx, s)
	}
	return err
}

// write writes frames, index and seek table, and returns the SHA-256 of it all.
func (a *Archive) write(ctx context.Context, w io.Writer, s enroll.Segment, items []enroll.Item) (digest [sha256.Size]byte, err error) {
	hash, buffered := sha256.New(), bufio.NewWriterSize(w, 1<<20)
	both := io.MultiWriter(hash, buffered)
	t := tail{Format: format, Kind: s.Kind, Items: s.Items, Last: s.Last}
	var offset int64
	for len(items) > 0 {
		if err := ctx.Err(); err != nil {
			return digest, err
		}
		n, text, err := nextFrame(items)
		if err != nil {
			return digest, err
		}
		compressed := a.encoder.EncodeAll(text, nil)
		if _, err := both.Write(compressed); err != nil {
			return digest, err
		}
		t.Frames = append(t.Frames, indexed{First: items[0].Key, Items: n})
		t.extents = append(t.extents, extent{offset, uint32(len(compressed)), uint32(len(text))})
		offset += int64(len(compressed))
		items = items[n:]
	}
	end, err := t.encode()
	if err != nil {
		return digest, err
	}
	if _, err := both.Write(end); err != nil {
		return digest, err
	}
	return [sha256.Size]byte(hash.Sum(nil)), buffered.Flush()
}

// nextFrame returns how many items the next frame takes, and its text.
func nextFrame(items []enroll.Item) (n int, text []byte, err error) {
	for i, item := range items {
		if err := checkItem(item); err != nil {
			return 0, nil, err
		}
		if i+1 < len(items) && bytes.Compare(item.Key, items[i+1].Key) >= 0 {
			return 0, nil, fmt.Errorf("the key %x is out of order", items[i+1].Key)
		}
		before := len(text)
		text = appendLine(text, item)
		if n > 0 && len(text) > frameBytes {
			return n, text[:before], nil
		}
		if n++; n == frameItems {
			break
		}
	}
	return n, text, nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the archive's own folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
