package est

import (
	"crypto/tls"
	"net/http"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// channel is the TLS connection of a request, as CSRs may be bound to it (RFC 7030,
// section 3.5).
type channel struct{ state *tls.ConnectionState }

// channelOf returns the connection of a request. One without TLS can be named by
// nothing.
func channelOf(r *http.Request) enroll.Channel { return channel{r.TLS} }

// Binding implements enroll.Channel. tls-unique is of TLS 1.2 alone, and tls-exporter
// is taken of TLS 1.3 alone: for TLS 1.2 clients differ in how they make it (RFC 5705,
// section 4: no context is not the same as an empty one).
func (c channel) Binding(octets int) []byte {
	if c.state == nil || !c.state.HandshakeComplete {
		return nil
	}
	switch {
	case octets == ca.TLSUniqueSize && c.state.Version == tls.VersionTLS12:
		return c.state.TLSUnique
	case octets == ca.TLSExporterSize && c.state.Version >= tls.VersionTLS13:
		exported, err := c.state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, octets)
		if err != nil {
			return nil // this connection has none
		}
		return exported
	default:
		return nil
	}
}

// hasUnique reports whether a request came by TLS that tls-unique names, which is what
// clients of RFC 7030 know.
func hasUnique(r *http.Request) bool { return channelOf(r).Binding(ca.TLSUniqueSize) != nil }
