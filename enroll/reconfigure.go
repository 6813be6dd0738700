package enroll

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// Change says what somebody changed who had the service reconfigured, for the log.
type Change struct {
	// Keys are those of the configuration whose values are others now, and what else
	// of it was found changed; none for what was read again and is the same.
	Keys []string
	// Digest is the SHA-256 of the configuration as it was read, in hexadecimal digits.
	Digest string
}

// Reconfigure has next hold from now on, all of it, or nothing of it where it returns
// an error. It records what changed, the keys that the log is given and the issuers
// that issue for the first time, before anything is done by it. A call that begins
// after it has returned goes by next alone; one that is under way is judged by next
// where it is recorded.
//
// An issuer whose certificate has not expired may not be missing from next: what it
// issued could neither renew nor be revoked any more.
func (s *Service) Reconfigure(ctx context.Context, next Live, change Change) error {
	next.setDefaults()
	if err := next.validate(); err != nil {
		return fmt.Errorf("configure enrolment: %w", err)
	}
	s.reconfiguring.Lock()
	defer s.reconfiguring.Unlock()
	now := s.live()
	if name := next.LogSigner.Name(); name != now.logKeys[0].Name() {
		return fmt.Errorf("configure enrolment: the log's key is for %q, and the log is %q; a log keeps its name", name, now.logKeys[0].Name())
	}
	if lost := s.lost(now, next); len(lost) > 0 {
		return fmt.Errorf("configure enrolment: the issuer %s has not expired, and is not there any more: what it issued could neither renew nor be revoked; bring its folder back, or start the server again without it", strings.Join(lost, ", "))
	}
	if err := s.install(ctx, newLive(next, now.retention.Archive), &change); err != nil {
		return err
	}
	s.publisher.wake()
	return nil
}

// lost returns the ids of issuers that count now, have not expired, and are not in
// next.
func (s *Service) lost(now *live, next Live) []string {
	var lost []string
	for id, issuer := range now.issuers {
		stays := slices.ContainsFunc(next.Issuers, func(i *ca.Issuer) bool { return i.ID() == id })
		if !stays && issuer.NotAfter().After(s.now()) {
			lost = append(lost, id)
		}
	}
	slices.Sort(lost)
	return lost
}

// install records what is new of next and has it hold. Nil for change is the start.
func (s *Service) install(ctx context.Context, next *live, change *Change) error {
	err := s.store.Update(ctx, func(tx Tx) error {
		if err := s.recordIssuers(ctx, tx, next); err != nil {
			return fmt.Errorf("record the issuers: %w", err)
		}
		if err := s.recordLogKey(ctx, tx, next); err != nil {
			return fmt.Errorf("record the log's key: %w", err)
		}
		if change == nil || len(change.Keys) == 0 {
			return nil
		}
		event := s.event(ctx, identity.NewSystem(), ConfigReloaded)
		event.Settings, event.Digest = change.Keys, change.Digest
		return tx.Append(event)
	})
	if err == nil {
		s.current.Store(next)
	}
	return err
}

// recordIssuers records the issuers, and the first time that one issues, and tells next
// which have issued before.
func (s *Service) recordIssuers(ctx context.Context, tx Tx, next *live) error {
	known, err := tx.Issuers()
	if err != nil {
		return err
	}
	activated := map[string]bool{}
	for _, record := range known {
		activated[record.ID] = !record.ActivatedAt.IsZero()
	}
	next.upcoming = nil
	for _, issuer := range next.counting {
		if issuer == next.issuing || !activated[issuer.ID()] {
			next.upcoming = append(next.upcoming, issuer)
		}
	}
	for id, issuer := range next.issuers {
		was, recorded := activated[id]
		now := id == next.issuing.ID()
		if recorded && (was || !now) {
			continue
		}
		record := IssuerRecord{ID: id, DER: issuer.Certificate().Raw}
		if now {
			record.ActivatedAt = s.now()
			event := s.event(ctx, identity.NewSystem(), IssuerActivated)
			end := issuer.NotAfter()
			event.Issuer, event.NotAfter = id, &end
			if err := tx.Append(event); err != nil {
				return err
			}
		}
		if err := tx.PutIssuer(record); err != nil {
			return err
		}
	}
	return nil
}
