package rest

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addInstallation() {
	handle(d, operation{
		id: "whoami", method: http.MethodGet, path: "/api/v1/whoami", permission: SignedIn,
		summary: "Tell the caller who they are to this server",
	}, d.whoami)
	handle(d, operation{
		id: "rotate-break-glass", method: http.MethodPost, path: "/api/v1/breakglass/rotate", permission: identity.BreakGlassRotate,
		summary: "Replace the break-glass token; the old one ends at once",
	}, d.rotateBreakGlass)
	handle(d, operation{
		id: "backup", method: http.MethodGet, path: "/api/v1/backup", permission: identity.InstallationSaved,
		summary:   "Download a consistent copy of the store",
		content:   map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		unhurried: true,
	}, d.backup)
	handle(d, operation{
		id: "compact-store", method: http.MethodPost, path: "/api/v1/store/compact", permission: identity.InstallationCompacted,
		summary:   "Have the store give back the room that it does not use; answers when it is done",
		unhurried: true,
	}, d.compact)
}

func (d *door) whoami(ctx context.Context, p identity.Principal, _ *struct{}) (*answer[resource.Caller], error) {
	held, err := d.Service.Holdings(ctx, p)
	if err != nil {
		return nil, err
	}
	who := resource.Caller{
		ID: p.ID(), Name: p.Name, Kind: string(p.Kind), Groups: append([]string{}, p.Groups...), Roles: []string{}, Grants: listOf(held, heldOf),
	}
	for _, grant := range held {
		if !slices.Contains(who.Roles, string(grant.Role)) {
			who.Roles = append(who.Roles, string(grant.Role))
		}
	}
	if p.Kind == identity.ScopedToken {
		token, err := d.Service.Token(ctx, p, p.Token)
		if err != nil {
			return nil, err
		}
		told := d.tokenOf(token)
		who.Token = &told
	}
	return answerOf(who), nil
}

func (d *door) rotateBreakGlass(ctx context.Context, p identity.Principal, _ *struct{}) (*answer[resource.BreakGlass], error) {
	token, err := d.Service.RotateBreakGlass(ctx, p)
	return answerOf(resource.BreakGlass{Token: token}), err
}

// stream is an answer that is written as it is made.
type stream struct{ Body func(huma.Context) }

// backup streams a copy for as long as it takes. One that fails half way ends
// the connection, so that nobody takes it for whole.
func (d *door) backup(ctx context.Context, p identity.Principal, _ *struct{}) (*stream, error) {
	if err := d.Service.Authorize(ctx, p, identity.InstallationSaved); err != nil {
		return nil, err
	}
	if d.Backup == nil {
		return nil, enroll.Refuse(enroll.WrongState, "this server's store is a database; back it up with the database's own means, which are pg_basebackup or pg_dump for PostgreSQL: see docs/operations/backup.md")
	}
	if err := d.Service.Begin(ctx, p, identity.InstallationSaved, enroll.BackupStarted); err != nil {
		return nil, err
	}
	return &stream{Body: func(hc huma.Context) {
		_, w := humachi.Unwrap(hc.(*exchange).humaContext)
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := d.Backup.Backup(ctx, w); err != nil {
			d.Log.ErrorContext(ctx, "backup failed", "request", enroll.RequestID(ctx), "error", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// compact answers when it is done, however long that takes. Whoever hangs up ends
// it, and the store is as it was.
func (d *door) compact(ctx context.Context, p identity.Principal, _ *struct{}) (*answer[resource.Compaction], error) {
	if err := d.Service.Authorize(ctx, p, identity.InstallationCompacted); err != nil {
		return nil, err
	}
	if d.Compact == nil {
		return nil, enroll.Refuse(enroll.WrongState, "this server's store is a database, which gives back room by itself; with PostgreSQL that is autovacuum's work")
	}
	if err := d.Service.Begin(ctx, p, identity.InstallationCompacted, enroll.CompactionStarted); err != nil {
		return nil, err
	}
	before, after, err := d.Compact.Compact(ctx)
	return answerOf(resource.Compaction{BytesBefore: before, BytesAfter: after}), err
}
