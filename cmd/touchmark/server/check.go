package server

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
)

// Check opens what the settings name, keys included, and listens to nothing. It
// returns everything that Run would fail with before it serves, and what would
// work but should not stay.
func Check(ctx context.Context, s *config.Settings, now time.Time) (faults config.Faults, warnings []config.Fault) {
	opened := issuers.NewKeys()
	defer opened.Close()
	_, found := gather(ctx, s, now, nil, opened, anchors{})
	for _, fault := range found {
		if errors.Is(fault.Err, issuers.ErrNone) { // good for a first start with ca request
			warnings = append(warnings, fault)
		} else {
			faults = append(faults, fault)
		}
	}
	return faults, warnings
}
