package enroll

import (
	"context"
	"crypto/sha256"
	"time"
)

// Task is something that one node at a time does for all of them.
type Task string

// The tasks. The keeper leases the numbering of the log by itself.
const (
	TaskPublish Task = "publish" // CRLs
	TaskArchive Task = "archive" // what is old leaves the store
	TaskJobs    Task = "jobs"    // what was asked for many devices at once
)

// LeadTerm is how long a lead lasts unless it is taken again.
const LeadTerm = 3 * time.Second

// SegmentKind says what a segment of the archive holds, and so what its keys are.
type SegmentKind string

// The kinds of segments.
const (
	// CertificateSegments hold certificates; keys are serial numbers, 20 octets.
	CertificateSegments SegmentKind = "certificates"
	// RecordSegments hold records of the log with the hashes of their tiles; keys
	// are indexes, 8 octets, big-endian. They follow each other without a gap.
	RecordSegments SegmentKind = "records"
)

// Segment is a file of the archive: what left the store together, for good. Files
// are never changed; one that no store names is of no account.
type Segment struct {
	Kind SegmentKind
	// First and Last are the lowest and the highest key in it. Segments of a kind do
	// not overlap.
	First, Last []byte
	Items       uint64
	Name        string // of the file
	Digest      [sha256.Size]byte
}

// Item is one thing in a segment: a certificate, or a record of the log.
type Item struct {
	Key, Value []byte // Value is JSON on one line
}

// Archive keeps what has left the store in files that are only ever added.
type Archive interface {
	// Put makes items durable in a new file, and returns what the store has to keep
	// of it. Items are sorted by their keys, each of which is there once, and are at
	// least one.
	Put(ctx context.Context, kind SegmentKind, items []Item) (Segment, error)
	// Get returns the value of a key, or ErrNotFound.
	Get(ctx context.Context, s Segment, key []byte) ([]byte, error)
	// Read returns up to limit items from a key on, in order.
	Read(ctx context.Context, s Segment, from []byte, limit int) ([]Item, error)
}
