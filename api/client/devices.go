package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

// DeviceFilter selects devices; empty members select all. Fleet means the whole
// branch; Query is the beginning of an id or of a serial number.
type DeviceFilter struct {
	Fleet, Model, State string
	ExpiringBefore      time.Time
	Query               string
	// Owner is "me", the id of a person or of a group.
	Owner string
}

// CertificateFilter selects certificates; empty members select all. Fleet means the
// whole branch, of whose devices one certificate each is listed.
type CertificateFilter struct {
	Device, Fleet                 string
	ExpiringAfter, ExpiringBefore time.Time
}

// Devices lists devices, each with its newest certificate only.
func (c *Client) Devices(ctx context.Context, f DeviceFilter) iter.Seq2[resource.Device, error] {
	query := filter("fleet", f.Fleet, "model", f.Model, "state", f.State, "expiring_before", timeText(f.ExpiringBefore), "q", f.Query, "owner", f.Owner)
	return pages[resource.Device](ctx, c, query, "devices")
}

// Device returns a device with its certificates.
func (c *Client) Device(ctx context.Context, id string) (resource.Device, error) {
	return get[resource.Device](ctx, c, call{method: http.MethodGet, path: []string{"devices", id}})
}

// DeviceEvents tells a device's story, oldest first: each event as JSON.
func (c *Client) DeviceEvents(ctx context.Context, id string) iter.Seq2[json.RawMessage, error] {
	return pages[json.RawMessage](ctx, c, nil, "devices", id, "events")
}

// ActOnDevice holds, releases, revokes or retires a device with all its
// certificates. When it returns, the server's OCSP says so.
func (c *Client) ActOnDevice(ctx context.Context, id string, action identity.Action, words resource.Action) (resource.Device, error) {
	return get[resource.Device](ctx, c, call{method: http.MethodPost, path: []string{"devices", id, string(action)}, body: words})
}

// Reenrol permits one enrolment of an active device with another key.
func (c *Client) Reenrol(ctx context.Context, id, comment string) (resource.Device, error) {
	return get[resource.Device](ctx, c, call{
		method: http.MethodPost, path: []string{"devices", id, "reenrol"}, body: resource.Action{Comment: comment},
	})
}

// Certificates lists one device's certificates, newest first; or all, those that end
// first first; or, of a branch, and for those who may not read the whole tree's, the
// newest within the times asked for of each device.
func (c *Client) Certificates(ctx context.Context, f CertificateFilter) iter.Seq2[resource.Certificate, error] {
	query := filter("device", f.Device, "fleet", f.Fleet, "expiring_after", timeText(f.ExpiringAfter), "expiring_before", timeText(f.ExpiringBefore))
	return pages[resource.Certificate](ctx, c, query, "certificates")
}

// Certificate returns a certificate by its serial number.
func (c *Client) Certificate(ctx context.Context, serial string) (resource.Certificate, error) {
	return get[resource.Certificate](ctx, c, call{method: http.MethodGet, path: []string{"certificates", serial}})
}

// ActOnCertificate holds, releases, revokes or retires one certificate; for
// keyCompromise all certificates of its key.
func (c *Client) ActOnCertificate(ctx context.Context, serial string, action identity.Action, words resource.Action) (resource.Certificate, error) {
	return get[resource.Certificate](ctx, c, call{method: http.MethodPost, path: []string{"certificates", serial, string(action)}, body: words})
}
