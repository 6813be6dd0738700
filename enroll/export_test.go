package enroll

import (
	"context"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// PublishDue has the publisher do what is due now.
func (s *Service) PublishDue(ctx context.Context) error { return s.publisher.publishDue(ctx) }

// WatchIssuers looks at the issuers' ends once.
func (s *Service) WatchIssuers(ctx context.Context) { s.watchIssuers(ctx, map[string]time.Time{}) }

// SplitBits is splitBits.
func SplitBits(n uint64) uint8 { return splitBits(n) }

// CountIssued counts n certificates of a shard.
func (s *Service) CountIssued(key ShardKey, n int) {
	for range n {
		s.splits.issued(key)
	}
}

// TotalOf returns how many certificates the node knows of in a shard's bucket.
func (s *Service) TotalOf(key ShardKey) uint64 {
	s.splits.mu.Lock()
	defer s.splits.mu.Unlock()
	return s.splits.family(key).total
}

// ChooseShard returns the shard that a new certificate of this lifetime would get.
func (s *Service) ChooseShard(serial ca.Serial, lifetime time.Duration) ca.ShardID {
	return s.splits.choose(s.live().issuing.ID())(serial, lifetime)
}

// SettleSplits writes down and reads how many certificates shards have.
func (s *Service) SettleSplits(ctx context.Context) error { return s.settleSplits(ctx) }

// WithdrawnBy is withdrawnBy.
func WithdrawnBy(record []byte) (ca.Serial, bool, error) { return withdrawnBy(record) }

// ArchiveSmall is ArchiveDue with small files of records.
func (s *Service) ArchiveSmall(ctx context.Context) error { return s.archiveDue(ctx, 2*recordBlock) }

// The forms of what stands in the archive.
var (
	EncodeCertificate = encodeCertificate
	DecodeCertificate = decodeCertificate
	EncodeRecord      = encodeRecord
)

// May decides, within a transaction, as every operation does.
func (s *Service) May(r Reader, p identity.Principal, permission identity.Permission, fleet identity.FleetID) (bool, error) {
	a, err := s.access(r, p)
	if err != nil {
		return false, err
	}
	at, err := a.moment.place(r, fleet)
	return err == nil && a.may(permission, at), err
}

// PolicyAt returns what holds at a fleet, as every enrolment asks.
func (s *Service) PolicyAt(r Reader, fleet identity.FleetID) (policy.Effective, error) {
	at, err := s.place(r, fleet)
	if err != nil {
		return policy.Effective{}, err
	}
	return at.policy, nil
}

// ForgetAuthority forgets what decisions rest on, as after a turn of the revision.
func (s *Service) ForgetAuthority() {
	m := s.live().moments
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = &moment{revision: "forgotten"} // as no revision is called
}

// RecordUses writes the uses of tokens that are due.
func (s *Service) RecordUses(ctx context.Context) error { return s.recordUses(ctx) }

// TokenChecksum is tokenChecksum.
func TokenChecksum(text string) string { return tokenChecksum(text) }

// LookForAlarms looks for every alarm once, and records what changed.
func (s *Service) LookForAlarms(ctx context.Context) error {
	looks := append([]Look{s.lookAtClock, s.lookAtIssuer, s.lookAtCRLs, s.lookAtSequencer}, s.looks...)
	for _, look := range looks {
		if err := s.lookOnce(ctx, look); err != nil {
			return err
		}
	}
	s.tellAlarms(ctx)
	return nil
}
