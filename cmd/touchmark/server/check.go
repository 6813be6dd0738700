package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/api/status"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
)

// Check opens what the settings name, keys included, and listens to nothing. It
// returns everything that Run would fail with before it serves, and what would
// work but should not stay.
func Check(ctx context.Context, s *config.Settings, now time.Time) (faults config.Faults, warnings []config.Fault) {
	fault := func(key string, err error) {
		if err != nil {
			faults = append(faults, config.Fault{Key: key, Text: err.Error()})
		}
	}
	folder := issuers.Of(s, nil)
	defer folder.Keys.Close()
	_, _, err := folder.Load(ctx, s.PublicURL, now)
	if errors.Is(err, issuers.ErrNone) {
		warnings = append(warnings, config.Fault{Key: "ca.dir", Text: err.Error()})
	} else {
		fault("ca", err)
	}
	_, err = readLogKey(s.LogKey, s.LogOrigin)
	fault("log", err)
	for i, path := range s.ParentCRLs {
		fault(fmt.Sprintf("status.parent_crls[%d]", i), status.CheckParentCRL(path))
	}
	if s.OIDCAnchors != "" {
		_, err = clientTrusting(s.OIDCAnchors)
		fault("oidc.ca", err)
	}
	return faults, warnings
}
