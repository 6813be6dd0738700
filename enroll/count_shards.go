package enroll

import (
	"context"
	"errors"
	"time"
)

// countShards writes down what was issued, and reads what other nodes issued,
// until ctx is done; what was counted by then is written last.
func (s *Service) countShards(ctx context.Context) error {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for {
		if err := s.settleSplits(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("certificates of CRL shards could not be counted; until they can be, shards may grow larger", "error", err)
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := s.tellSplits(last); err != nil {
				s.log.Warn("the last certificates of CRL shards were not counted; shards may grow a little larger", "error", err)
			}
			return nil
		case <-s.splits.work:
		case <-ticker.C:
		}
	}
}

func (s *Service) settleSplits(ctx context.Context) error {
	if err := s.tellSplits(ctx); err != nil {
		return err
	}
	rows, now := map[familyKey]*levels{}, s.clock.look().Earliest
	err := s.eachShard(ctx, func(shard Shard) error {
		at := familyKey{shard.Issuer, shard.Shard.Family()}
		if rows[at] == nil {
			rows[at] = &levels{}
		}
		rows[at].note(shard, s.settled(shard, now))
		return nil
	})
	if err == nil {
		s.splits.learn(rows)
	}
	return err
}

// tellSplits adds what was counted to the shards' rows.
func (s *Service) tellSplits(ctx context.Context) error {
	counts := s.splits.take()
	if len(counts) == 0 {
		return nil
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		for key, n := range counts {
			shard, err := tx.Shard(key)
			if errors.Is(err, ErrNotFound) {
				continue // past its last CRL
			}
			if err != nil {
				return err
			}
			shard.Issued += n
			if err := tx.PutShard(shard); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.splits.putBack(counts)
	}
	return err
}
