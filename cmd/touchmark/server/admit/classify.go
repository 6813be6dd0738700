package admit

import (
	"net/http"
	"strings"
)

// Listener names one of the four.
type Listener string

// The listeners.
const (
	Device  Listener = "device"
	API     Listener = "api"
	Public  Listener = "status"
	Metrics Listener = "metrics"
)

// Of returns the class of a request, by its method and path. It looks at nothing
// else: whoever is not allowed to do what they ask for is told so in its time.
func (at Listener) Of(r *http.Request) Class {
	switch at {
	case Metrics:
		return Health
	case Public:
		return ofStatus(r.URL.Path)
	case Device:
		return ofDevice(r.Method, r.URL.Path)
	case API:
		return ofAPI(r.Method, r.URL.Path)
	}
	return Read
}

func ofStatus(path string) Class {
	switch {
	case path == "/healthz" || path == "/readyz":
		return Health
	case strings.HasSuffix(path, "/bundle.pem"):
		return Bulk
	default:
		return Status
	}
}

// ofDevice is for EST (RFC 7030, section 3.2.2), whose label may stand before or after
// /.well-known/est, and for what stations and devices call of REST: nothing there
// withdraws, and nobody takes places there that withdrawals have.
func ofDevice(method, path string) Class {
	if strings.HasPrefix(path, "/api/") {
		return max(ofAPI(method, path), Read)
	}
	switch lastPart(path) {
	case "simplereenroll":
		return Renew
	case "cacerts", "csrattrs":
		return Read
	default:
		return Enrol
	}
}

// ofAPI is for REST. What is not named is Read.
func ofAPI(method, path string) Class {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		return Read
	}
	thing, _, _ := strings.Cut(rest, "/")
	if withdraws(method, thing, lastPart(rest)) {
		return Withdraw
	}
	if thing == "orders" && method == http.MethodPost && lastPart(rest) == "devices" {
		return Enrol
	}
	return Read
}

// withdraws says whether a call takes away trust or power, or gives it back.
func withdraws(method, thing, act string) bool {
	if method == http.MethodDelete {
		return thing == "grants"
	}
	if method != http.MethodPost {
		return false
	}
	switch thing {
	case "devices", "certificates":
		return act == "hold" || act == "release" || act == "revoke" || act == "retire"
	case "users":
		return act == "jobs"
	case "approvals":
		return act == "approve" // of a revocation, as it may be
	case "tokens":
		return act == "revoke"
	default:
		return false
	}
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
