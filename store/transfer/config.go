package transfer

import (
	"errors"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// Why stores are not copied. Nothing was written where one of these is returned,
// except for ErrDiffers and for an ErrInUse at the end.
var (
	// ErrSource is wrapped where the source is nothing that can be copied.
	ErrSource = errors.New("the source cannot be copied")
	// ErrTarget is wrapped where the target is neither empty nor a copy, or the
	// beginning of one, of the same source.
	ErrTarget = errors.New("the target cannot take the copy")
	// ErrInUse is wrapped where somebody else works with one of the stores.
	ErrInUse = errors.New("a store is in use")
	// ErrArchive is wrapped where a part of the log stands in the archive, and the
	// archive does not give it.
	ErrArchive = errors.New("the archive does not have what is missing")
	// ErrDiffers is returned where the comparison found differences; the Report
	// names them.
	ErrDiffers = errors.New("the stores differ")
)

// Config says what is copied where.
type Config struct {
	// From and To are open, and used by nobody else. The caller closes them.
	From, To enroll.Store
	// Archive holds what left the source; nil for none. It is needed where records
	// of the log were dropped that the target does not have yet: the target's tree
	// is built of every record there ever was.
	Archive enroll.Archive
	// Batch is how many rows an Update writes, at most 1,000; 0 is 1,000.
	Batch int
	// Progress is told how many more rows a stage has dealt with, one call at a
	// time; nil for nobody.
	Progress func(stage Stage, rows int)
}

// Stage is what a copy is doing.
type Stage string

// The stages, in their order.
const (
	StageCopy    Stage = "copied"
	StageCompare Stage = "compared"
)

const (
	defaultBatch = enroll.MaxPage
	// inFlight is how many Updates are under way at once, where their order does
	// not matter; they share commits.
	inFlight = 8
	// appendRows and appendBytes bound the records of the log that one Update adds.
	appendRows  = 2_000
	appendBytes = 1 << 20
	// batchBytes bounds the rows that one Update writes, where some of them are large.
	batchBytes = 1 << 20
	// recordsPart is how many records are read at a time; one has at most a mebibyte
	// (audit.MaxLeaf), and hardly ever a thousandth of that.
	recordsPart = 500
	// shardsPart is how many CRL shards are, each with its CRL and all its entries.
	shardsPart = 4
	// dropStep is how many records one Update drops; a multiple of 256.
	dropStep = 1 << 14
	// leadWait is how long whoever had a store before may take to let it go: a
	// process that was killed leads on for a term.
	leadWait  = 2 * enroll.LeadTerm
	leadRetry = 250 * time.Millisecond
)
