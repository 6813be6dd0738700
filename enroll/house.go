package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

const (
	// aggregateEvery is how often refusals that were counted are recorded.
	aggregateEvery = 30 * time.Second
	// watchIssuersEvery is how often the issuers' ends are looked at, and
	// alarmEvery how often one that nears its end is recorded.
	watchIssuersEvery = time.Hour
	alarmEvery        = 24 * time.Hour
)

// keepHouse records the refusals that were counted and which tokens were used, watches
// the issuers, and forgets grants and tokens that ended long ago, until ctx is done; what was counted by then is recorded last.
func (s *Service) keepHouse(ctx context.Context) error {
	aggregate, watch := time.NewTicker(aggregateEvery), time.NewTicker(watchIssuersEvery)
	defer aggregate.Stop()
	defer watch.Stop()
	alarmed := map[string]time.Time{}
	s.watchIssuers(ctx, alarmed)
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return errors.Join(s.recordTurnedAway(last), s.recordRepeated(last, true), s.recordUses(last))
		case <-aggregate.C:
			if err := s.recordTurnedAway(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("refusals of unauthenticated callers could not be recorded; they are kept", "error", err)
			}
			s.tellRepeated(ctx)
			if err := s.recordUses(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("the last uses of tokens could not be recorded; they are kept", "error", err)
			}
		case <-watch.C:
			s.watchIssuers(ctx, alarmed)
			if err := s.ForgetEnded(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("grants and tokens that ended long ago could not be forgotten; the next attempt follows in an hour", "error", err)
			}
		}
	}
}

// tellRepeated records what was refused over and over in the minutes that are over.
func (s *Service) tellRepeated(ctx context.Context) {
	if err := s.recordRepeated(ctx, false); err != nil && ctx.Err() == nil {
		s.log.Error("refusals of signed-in callers could not be recorded; they are kept", "error", err)
	}
	if lost := s.refusals.takeLost(); lost > 0 {
		s.log.Error("refusals of signed-in callers will not be recorded: too many callers were refused while the log could not be written", "count", lost)
	}
}

// NearingEnd reports whether an issuer's end cuts into the lifetime of what it
// issues, or less than a fifth of its own time is left: time to have a new one
// signed.
func (s *Service) NearingEnd(issuer *ca.Issuer) bool {
	left := issuer.NotAfter().Sub(s.now())
	whole := issuer.NotAfter().Sub(issuer.Certificate().NotBefore)
	return left < 2*s.live().longest || left < whole/5
}

// watchIssuers raises the alarm for the issuing issuer that nears its end.
func (s *Service) watchIssuers(ctx context.Context, alarmed map[string]time.Time) {
	issuer, now := s.live().issuing, s.now()
	if !s.NearingEnd(issuer) {
		return
	}
	s.observer.Count(CountIssuerNearingEnd, 1)
	s.log.Warn("the issuing CA's certificate nears its end: run touchmark ca request, have the corporate PKI sign it, and run touchmark ca install",
		"issuer", issuer.ID(), "not_after", issuer.NotAfter())
	if now.Sub(alarmed[issuer.ID()]) < alarmEvery {
		return
	}
	token, err := s.store.Lead(ctx, TaskPublish) // the other nodes need not say it too
	if token == 0 && err == nil {
		return
	}
	if err == nil {
		err = s.recordEnding(ctx, issuer, token)
	}
	if err != nil {
		s.log.Error("the alarm of an issuer's end could not be recorded", "error", err)
		return
	}
	alarmed[issuer.ID()] = now
}

func (s *Service) recordEnding(ctx context.Context, issuer *ca.Issuer, token uint64) error {
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.Leading(TaskPublish, token); err != nil {
			return err
		}
		event, end := s.event(ctx, identity.NewSystem(), IssuerEnding), issuer.NotAfter()
		event.Issuer, event.NotAfter = issuer.ID(), &end
		return tx.Append(event)
	})
}
