package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// TokenFilter selects scoped tokens; empty members select all. Fleet means the whole
// branch.
type TokenFilter struct{ Fleet, Maker string }

// CreateToken makes a scoped token. Its text is told once.
func (c *Client) CreateToken(ctx context.Context, token resource.NewToken) (resource.MadeToken, error) {
	return get[resource.MadeToken](ctx, c, call{method: http.MethodPost, path: []string{"tokens"}, body: token})
}

// Tokens lists scoped tokens.
func (c *Client) Tokens(ctx context.Context, f TokenFilter) iter.Seq2[resource.Token, error] {
	return pages[resource.Token](ctx, c, filter("fleet", f.Fleet, "maker", f.Maker), "tokens")
}

// TokensPart returns one part of what Tokens lists.
func (c *Client) TokensPart(ctx context.Context, f TokenFilter, p resource.Page) (resource.List[resource.Token], error) {
	return part[resource.Token](ctx, c, p, filter("fleet", f.Fleet, "maker", f.Maker), "tokens")
}

// Token returns a scoped token.
func (c *Client) Token(ctx context.Context, id string) (resource.Token, error) {
	return get[resource.Token](ctx, c, call{method: http.MethodGet, path: []string{"tokens", id}})
}

// RotateToken gives a token of the caller's another text, which is told once.
func (c *Client) RotateToken(ctx context.Context, id string, asked resource.Rotation) (resource.MadeToken, error) {
	return get[resource.MadeToken](ctx, c, call{method: http.MethodPost, path: []string{"tokens", id, "rotate"}, body: asked})
}

// RevokeToken ends a token for good, and returns it as it was.
func (c *Client) RevokeToken(ctx context.Context, id string) (resource.Token, error) {
	return get[resource.Token](ctx, c, call{method: http.MethodPost, path: []string{"tokens", id, "revoke"}})
}
