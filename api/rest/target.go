package rest

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/enroll"
)

// root is what the address of every operation begins with.
const root = "/api/v1"

// targetOf returns what a request is about: its path below /api/v1, and the one
// thing that the operation's pattern has a place for.
func targetOf(ctx huma.Context) enroll.Target {
	url := ctx.URL()
	target := enroll.Target{Text: strings.TrimPrefix(url.Path, root)}
	pattern := strings.Split(strings.TrimPrefix(ctx.Operation().Path, root), "/") // "", "devices", "{id}", …
	if len(pattern) < 3 || !strings.HasPrefix(pattern[2], "{") {
		return target
	}
	named := ctx.Param(strings.Trim(pattern[2], "{}"))
	switch pattern[1] {
	case "devices":
		target.Device = named
	case "orders":
		target.Order = named
	case "certificates":
		target.Certificate = named
	}
	return target
}
