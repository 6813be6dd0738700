package client

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// AuditFilter selects records of the audit log; empty members select all. Fleet means
// the whole branch. Kinds may end in ".*". Until is not within.
type AuditFilter struct {
	Fleet, Device, Principal string
	Kinds                    []string
	From, Until              time.Time
}

func (f AuditFilter) query() url.Values {
	query := filter("fleet", f.Fleet, "device", f.Device, "principal", f.Principal, "from", timeText(f.From), "until", timeText(f.Until))
	for _, kind := range f.Kinds {
		query.Add("kind", kind)
	}
	return query
}

// AuditPart returns one part of the records that are selected, oldest first, each as
// JSON. It may have none, and a next one.
func (c *Client) AuditPart(ctx context.Context, f AuditFilter, p resource.Page) (resource.List[json.RawMessage], error) {
	return part[json.RawMessage](ctx, c, p, f.query(), "audit")
}
