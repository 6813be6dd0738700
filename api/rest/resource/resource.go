// Package resource holds what the REST API speaks of, as it travels: JSON with
// names in snake_case and times in RFC 3339. The server writes it and the client
// reads it; nothing here decides anything.
package resource

import (
	"encoding/json"
	"time"
)

// List is a part of a list. The next part is asked for with after=Next; the list
// ends where Next is empty. A part may be shorter than asked for, even empty, and
// still have a Next.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next" doc:"Cursor of the next part; empty at the end"`
}

// Page asks for a part of a list.
type Page struct {
	After string `query:"after" maxLength:"512" doc:"The next of the part before; omitted for the first"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items at most"`
}

// Action is what an operator says about holding, releasing, revoking, retiring
// or re-enrolling.
type Action struct {
	Reason  string `json:"reason,omitempty" doc:"A reason of RFC 5280, section 5.3.1, such as keyCompromise"`
	Comment string `json:"comment,omitempty" doc:"Why, for the log; at most 1,024 bytes"`
}

// Caller is who the server takes a request to come from.
type Caller struct {
	ID     string      `json:"id" doc:"Stable id; what grants and an order's stations name"`
	Name   string      `json:"name" doc:"For people to read"`
	Kind   string      `json:"kind" enum:"oidc,device,token,break-glass"`
	Groups []string    `json:"groups" nullable:"false" doc:"As the provider names them; group:<issuer>#<group> in grants"`
	Roles  []string    `json:"roles" nullable:"false"`
	Grants []HeldGrant `json:"grants" nullable:"false" doc:"What they hold now, and where"`
	Token  *Token      `json:"token,omitempty" doc:"Of a scoped token: who answers for it, where, what it may do, and until when"`
}

// BreakGlass is a new break-glass token, told once.
type BreakGlass struct {
	Token string `json:"token"`
}

// Compaction is what became of the store's size.
type Compaction struct {
	BytesBefore int64 `json:"bytes_before"`
	BytesAfter  int64 `json:"bytes_after"`
}

// Moment is a time that a change may set, take away or leave alone.
type Moment struct {
	Set  bool       // false leaves it as it is
	Time *time.Time // nil takes it away; JSON null
}

// IsZero reports whether the moment is left alone, for omitzero.
func (m Moment) IsZero() bool { return !m.Set }

// MarshalJSON writes an RFC 3339 time, or null for none.
func (m Moment) MarshalJSON() ([]byte, error) { return json.Marshal(m.Time) }

// UnmarshalJSON reads an RFC 3339 time, or null for none.
func (m *Moment) UnmarshalJSON(text []byte) error {
	m.Set, m.Time = true, nil
	return json.Unmarshal(text, &m.Time)
}
