package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addAudit() {
	handle(d, operation{
		id: "list-audit", method: http.MethodGet, path: "/api/v1/audit", permission: identity.AuditRead,
		summary: "Read the audit log, oldest first: without a filter, for those who may read all of it, each item is, byte for byte, one line of an export; else the records that are selected, of the branches on which the caller holds the permission, without the roots that prove them", content: rawListContent(),
	}, d.listAudit)
	handle(d, operation{
		id: "show-checkpoint", method: http.MethodGet, path: "/api/v1/audit/checkpoint", permission: identity.AuditRead,
		summary: "Sign the audit log as it stands: a note that later proves what was in it",
		content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}, d.showCheckpoint)
}

// rawList is a list whose items are sent byte for byte: their hashes are in the
// log. encoding/json would compact them.
type rawList struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// rawListContent describes a rawList.
func rawListContent() map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"items", "next"},
		Properties: map[string]*huma.Schema{
			"items": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, Description: "An event; docs/events.md lists their kinds"}},
			"next":  {Type: huma.TypeString, Description: "Cursor of the next part; empty at the end"},
		},
	}}}
}

func rawListOf(items [][]byte, next string) (*rawList, error) {
	cursor, err := json.Marshal(next)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	body.WriteString(`{"items":[`)
	body.Write(bytes.Join(items, []byte(",\n")))
	body.WriteString(`],"next":`)
	body.Write(cursor)
	body.WriteString("}\n")
	return &rawList{ContentType: "application/json", Body: body.Bytes()}, nil
}

// auditQuery selects records.
type auditQuery struct {
	Fleet     string    `query:"fleet" maxLength:"1024" doc:"Path of a branch: what happened in fleets that lie in it now"`
	Device    string    `query:"device" maxLength:"97" doc:"Id of a device"`
	Principal string    `query:"principal" maxLength:"1024" doc:"Who did it: the actor as records name it, oidc:<issuer>#<subject>, or me"`
	Kind      []string  `query:"kind,explode" maxItems:"64" doc:"Kind of event, or the beginning of kinds and .*, such as device.*; any of several"`
	From      parameter `query:"from" doc:"Only what happened at it or later"`
	Until     parameter `query:"until" doc:"Only what happened before it"`
	resource.Page
}

func (d *door) listAudit(ctx context.Context, p identity.Principal, in *auditQuery) (*rawList, error) {
	records, err := d.Service.Audit(ctx, p, enroll.AuditQuery{
		Fleet: in.Fleet, Device: in.Device, Principal: in.Principal, Kinds: in.Kind,
		From: in.From.Time, Until: in.Until.Time, Page: pageIn(in.Page),
	})
	if err != nil {
		return nil, err
	}
	return rawListOf(records.Items, records.Next)
}

// checkpoint is a signed note (golang.org/x/mod/sumdb/note).
type checkpoint struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (d *door) showCheckpoint(ctx context.Context, p identity.Principal, _ *struct{}) (*checkpoint, error) {
	note, err := d.Service.Checkpoint(ctx, p)
	return &checkpoint{ContentType: "text/plain; charset=utf-8", Body: note}, err
}
