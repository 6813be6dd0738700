package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/touchmark/touchmark/api/status"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// material is what the settings name, opened.
type material struct {
	issuers []*ca.Issuer
	issuing string
	logKey  *audit.Key
	former  []*audit.Key
	anchors anchors
}

// gather opens what the settings name, keys included, and returns everything that is
// wrong. What is open already is not opened again.
func gather(ctx context.Context, s *config.Settings, now time.Time, log *slog.Logger, open *issuers.Keys, before anchors) (m material, faults config.Faults) {
	fault := func(key string, err error) {
		if err != nil {
			faults = append(faults, config.Fault{Key: key, Text: err.Error(), Err: err})
		}
	}
	var err error
	m.issuers, m.issuing, err = open.Of(s, log).LoadWith(ctx, s.PublicURL, now, open)
	if errors.Is(err, issuers.ErrNone) {
		fault("ca.dir", err)
	} else {
		fault("ca", err)
	}
	m.logKey, err = readLogKey(s.LogKey, s.LogOrigin)
	fault("log", err)
	for i, path := range s.FormerLogKeys {
		former, err := readLogKey(path, s.LogOrigin)
		fault(fmt.Sprintf("log.former_keys[%d]", i), err)
		m.former = append(m.former, former)
	}
	for i, path := range s.ParentCRLs {
		fault(fmt.Sprintf("status.parent_crls[%d]", i), status.CheckParentCRL(path))
	}
	m.anchors, err = before.anew(s.OIDCAnchors)
	fault("oidc.ca", err)
	return m, faults
}

// live is what the service works with.
func (m *material) live(s *config.Settings, standing standingFunc) enroll.Live {
	return enroll.Live{
		Issuers: m.issuers, Issuing: m.issuing, Profiles: s.Profiles, LogSigner: m.logKey, FormerLogSigners: m.former,
		CRLLifetime: s.CRLLifetime, ReenrolWindow: s.ReenrolWindow, Standing: standing, MembershipLifetime: s.MembershipLifetime,
		CertificatesAfter: s.CertificatesAfter, RecordsAfter: s.RecordsAfter,
	}
}

// maxLogKey bounds the log's key file, in octets.
const maxLogKey = 4 << 10

// readLogKey reads a key that signs the log's checkpoints.
func readLogKey(path, origin string) (*audit.Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	if info.Size() > maxLogKey {
		return nil, fmt.Errorf("the log's key %s: more than %d octets; it is no key", path, maxLogKey)
	}
	text, err := os.ReadFile(path) // #nosec G304 -- named in the configuration
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	defer clear(text)
	key, err := audit.ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("the log's key %s: %w", path, err)
	}
	if key.Name() != origin {
		return nil, fmt.Errorf("the log's key %s is for the log %q, but log.origin is %q; a log keeps its name", path, key.Name(), origin)
	}
	return key, nil
}

// anchors are the CAs that providers' TLS is judged by, as they were read.
type anchors struct {
	text   string       // of the file
	client *http.Client // nil for the machine's CAs alone
}

// anew reads the file at path, and keeps the client where it says the same.
func (a anchors) anew(path string) (anchors, error) {
	if path == "" {
		return anchors{}, nil
	}
	text, err := os.ReadFile(path) // #nosec G304 -- named in the configuration
	if err != nil {
		return anchors{}, fmt.Errorf("the providers' CAs: %w", err)
	}
	if a.client != nil && a.text == string(text) {
		return a, nil
	}
	client, err := clientTrusting(path, text)
	return anchors{string(text), client}, err
}
