package transfer

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxDifferences bounds the differences that a Report names.
const MaxDifferences = 100

// Report is what a copy or a comparison did and found.
type Report struct {
	Tables []Count `json:"tables"`
	Log    Log     `json:"log"`
	// Differences are the first that were found, at most MaxDifferences; Different
	// is how many there are.
	Differences []Difference `json:"differences"`
	Different   int          `json:"different"`
}

// Count is how many rows of a kind there are, and what was done with them.
type Count struct {
	What    string `json:"what"` // such as "devices"
	Source  int    `json:"source"`
	Target  int    `json:"target"`
	Written int    `json:"written"` // in the target, as they were missing or others
	Removed int    `json:"removed"` // from the target, as the source has them no more
}

// Log is what there is of the log.
type Log struct {
	Size    uint64    `json:"size"`    // records, in the source
	First   uint64    `json:"first"`   // index of the first that did not leave for the archive
	Root    tlog.Hash `json:"root"`    // of the source's tree
	Written uint64    `json:"written"` // records, to the target
}

// Difference is one row that is not the same in both stores. It names no values:
// some of them are about people.
type Difference struct {
	What   string `json:"what"`
	Key    string `json:"key"`
	Detail string `json:"detail"` // such as "missing in the target", or the member that differs
}

// String names the difference for people.
func (d Difference) String() string {
	return strings.TrimSpace(d.What+" "+d.Key) + ": " + d.Detail
}

// Details of a Difference for what is not there.
const (
	missing = "missing in the target"
	extra   = "not in the source"
)

// account gathers a Report. The stages that run side by side share it.
type account struct {
	mu       sync.Mutex // guards the rest
	report   Report
	progress func(Stage, int)
}

// sorted is the report with everything in an order that does not depend on which
// of its stages was quicker.
func (a *account) sorted() Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.report.Tables, func(a, b Count) int { return strings.Compare(a.What, b.What) })
	slices.SortStableFunc(a.report.Differences, func(a, b Difference) int { return strings.Compare(a.What, b.What) })
	return a.report
}

// tell passes on that more rows were dealt with.
func (a *account) tell(stage Stage, rows int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.progress != nil && rows > 0 {
		a.progress(stage, rows)
	}
}

// count adds to what is known of a kind of rows.
func (a *account) count(what string, add func(*Count)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.report.Tables {
		if a.report.Tables[i].What == what {
			add(&a.report.Tables[i])
			return
		}
	}
	a.report.Tables = append(a.report.Tables, Count{What: what})
	add(&a.report.Tables[len(a.report.Tables)-1])
}

// differ notes a difference.
func (a *account) differ(what, key, detail string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Different++
	if len(a.report.Differences) < MaxDifferences {
		a.report.Differences = append(a.report.Differences, Difference{what, printable(key), detail})
	}
}

// printable is a key for people: its parts are joined by octets that sort first, and
// an index has no zeros before it.
func printable(key string) string {
	if len(key) == indexDigits && strings.Trim(key, "0123456789") == "" {
		index, _ := strconv.ParseUint(key, 10, 64)
		return strconv.FormatUint(index, 10)
	}
	return strings.ReplaceAll(key, separator, "/")
}

// indexDigits is how long the index of a record is as a key.
const indexDigits = 20
