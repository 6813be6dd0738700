package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// OrdersPart returns one part of what Orders lists.
func (c *Client) OrdersPart(ctx context.Context, f OrderFilter, p resource.Page) (resource.List[resource.Order], error) {
	return part[resource.Order](ctx, c, p, filter("fleet", f.Fleet, "model", f.Model), "orders")
}

// DevicesPart returns one part of what Devices lists.
func (c *Client) DevicesPart(ctx context.Context, f DeviceFilter, p resource.Page) (resource.List[resource.Device], error) {
	query := filter("fleet", f.Fleet, "model", f.Model, "state", f.State, "expiring_before", timeText(f.ExpiringBefore), "q", f.Query, "owner", f.Owner)
	return part[resource.Device](ctx, c, p, query, "devices")
}

// DeviceEventsPart returns one part of what DeviceEvents tells.
func (c *Client) DeviceEventsPart(ctx context.Context, id string, p resource.Page) (resource.List[json.RawMessage], error) {
	return part[json.RawMessage](ctx, c, p, url.Values{}, "devices", id, "events")
}

// CertificatesPart returns one part of what Certificates lists.
func (c *Client) CertificatesPart(ctx context.Context, f CertificateFilter, p resource.Page) (resource.List[resource.Certificate], error) {
	query := filter("device", f.Device, "fleet", f.Fleet, "expiring_after", timeText(f.ExpiringAfter), "expiring_before", timeText(f.ExpiringBefore))
	return part[resource.Certificate](ctx, c, p, query, "certificates")
}

// part asks for one part of a list, of a length that the server chooses where p
// has no limit.
func part[T any](ctx context.Context, c *Client, p resource.Page, query url.Values, path ...string) (resource.List[T], error) {
	if p.Limit > 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.After != "" {
		query.Set("after", p.After)
	}
	return get[resource.List[T]](ctx, c, call{method: http.MethodGet, path: path, query: query})
}
