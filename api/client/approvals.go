package client

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// ApprovalsPart lists a part of the requests that the caller made or can decide,
// oldest first; with waiting only those that still wait.
func (c *Client) ApprovalsPart(ctx context.Context, waiting bool, p resource.Page) (resource.List[resource.Approval], error) {
	query := filter()
	if waiting {
		query.Set("waiting", "true")
	}
	return part[resource.Approval](ctx, c, p, query, "approvals")
}

// Approval returns a request.
func (c *Client) Approval(ctx context.Context, id string) (resource.Approval, error) {
	return get[resource.Approval](ctx, c, call{method: http.MethodGet, path: []string{"approvals", id}})
}

// Approve does what a request waits to do. The caller is a second person who holds
// the same permission there.
func (c *Client) Approve(ctx context.Context, id, comment string) (resource.Approval, error) {
	return c.decide(ctx, id, "approve", comment)
}

// Deny ends a request: nothing is done.
func (c *Client) Deny(ctx context.Context, id, comment string) (resource.Approval, error) {
	return c.decide(ctx, id, "deny", comment)
}

// Withdraw ends a request that the caller made.
func (c *Client) Withdraw(ctx context.Context, id, comment string) (resource.Approval, error) {
	return c.decide(ctx, id, "withdraw", comment)
}

func (c *Client) decide(ctx context.Context, id, verb, comment string) (resource.Approval, error) {
	return get[resource.Approval](ctx, c, call{
		method: http.MethodPost, path: []string{"approvals", id, verb}, body: resource.Decision{Comment: comment},
	})
}
