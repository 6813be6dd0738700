package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// follower reads the audit log as far as it goes, and from there on when asked
// again. It rebuilds the Merkle tree from the records alone, so that a log that
// was cut, forked or written anew does not lead on from what was read before.
type follower struct {
	doors *doors
	tree  audit.Frontier
	// after is the cursor of the part that was read last: the end of the log has
	// none.
	after string
	// roots are those of the trees that checkpoints may still ask for, by size.
	roots map[uint64]tlog.Hash
	// issued counts how often each certificate was recorded as issued.
	issued map[string]int
}

func newFollower(ways *doors) *follower {
	var nothing audit.Frontier
	return &follower{doors: ways, roots: map[uint64]tlog.Hash{0: nothing.Root()}, issued: map[string]int{}}
}

// linesAtOnce is how many records are asked for at a time; the API gives no more.
const linesAtOnce = 1000

// follow reads on to the end of the log. It returns what is wrong with it as a
// *Fault.
func (w *follower) follow(ctx context.Context, node int) error {
	for {
		part, err := w.part(ctx, node)
		if err != nil {
			return err
		}
		for _, line := range part.Items {
			if err := w.add(line); err != nil {
				return err
			}
		}
		if part.Next == "" {
			return nil
		}
		w.after = part.Next
	}
}

// part reads the part of the log that follows after.
func (w *follower) part(ctx context.Context, node int) (part resource.List[json.RawMessage], err error) {
	query := url.Values{"limit": {fmt.Sprint(linesAtOnce)}}
	if w.after != "" {
		query.Set("after", w.after)
	}
	address := "https://" + w.doors.site.Nodes[node].API + "/api/v1/audit?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return part, err
	}
	request.Header.Set("Authorization", "Bearer "+w.doors.site.Token)
	status, body, err := exchange(w.doors.devices, request)
	if err != nil {
		return part, err
	}
	if status != http.StatusOK {
		return part, fmt.Errorf("%w: the log: status %d", errOpen, status)
	}
	return part, json.Unmarshal(body, &part)
}

// add takes a line, which must follow from those before it. Lines that were read
// before are skipped.
func (w *follower) add(line []byte) error {
	entry, err := audit.ParseLine(line)
	if err != nil {
		return &Fault{What: fmt.Sprintf("the log, record %d: %v", w.tree.Size(), err)}
	}
	switch next := w.tree.Size(); {
	case entry.Index < next && w.roots[entry.Index+1] == entry.Root:
		return nil
	case entry.Index < next:
		return &Fault{What: fmt.Sprintf("the log, record %d, is not what was read before", entry.Index)}
	case entry.Index > next:
		return &Fault{What: fmt.Sprintf("the log: record %d stands where %d should", entry.Index, next)}
	}
	w.tree.Add(nil, entry.Leaf)
	w.roots[w.tree.Size()] = w.tree.Root()
	if w.tree.Root() != entry.Root {
		return &Fault{What: fmt.Sprintf("the log, record %d: the root does not follow from what was read before", entry.Index)}
	}
	var event struct {
		Kind        enroll.EventKind
		Certificate string
	}
	if err := json.Unmarshal(entry.Leaf, &event); err != nil {
		return &Fault{What: fmt.Sprintf("the log, record %d: %v", entry.Index, err)}
	}
	if event.Kind == enroll.CertificateIssued {
		w.issued[event.Certificate]++
	}
	return nil
}
