package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// Audit reads the whole audit log, oldest first, for those who may: each record is
// one line of an export, byte for byte, without its newline. Others get the records
// that they may read, which audit.HasRoot tells apart.
func (c *Client) Audit(ctx context.Context) iter.Seq2[json.RawMessage, error] {
	return pages[json.RawMessage](ctx, c, nil, "audit")
}

// Checkpoint returns the signed checkpoint of the audit log as it stands.
func (c *Client) Checkpoint(ctx context.Context) ([]byte, error) {
	note, _, err := c.read(ctx, call{method: http.MethodGet, path: []string{"audit", "checkpoint"}})
	return note, err
}

// Whoami returns who the server takes the caller for.
func (c *Client) Whoami(ctx context.Context) (resource.Caller, error) {
	return get[resource.Caller](ctx, c, call{method: http.MethodGet, path: []string{"whoami"}})
}

// RotateBreakGlass replaces the break-glass token and returns the new one, which
// is told once.
func (c *Client) RotateBreakGlass(ctx context.Context) (string, error) {
	rotated, err := get[resource.BreakGlass](ctx, c, call{method: http.MethodPost, path: []string{"breakglass", "rotate"}})
	return rotated.Token, err
}

// CompactStore has the server's store give back the room that it does not use, and
// returns when that is done.
func (c *Client) CompactStore(ctx context.Context) (resource.Compaction, error) {
	return get[resource.Compaction](ctx, c, call{method: http.MethodPost, path: []string{"store", "compact"}, patient: true})
}

// Backup writes a consistent copy of the server's store to w and returns its
// size. After an error what was written is worth nothing.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	response, err := c.do(ctx, call{method: http.MethodGet, path: []string{"backup"}})
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	n, err := io.Copy(w, response.Body)
	if err != nil {
		return n, fmt.Errorf("backup, after %d bytes: %w", n, err)
	}
	return n, nil
}
