package enroll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// publish signs a shard's CRL of what is recorded and records it. Entries of
// certificates that expired before it are in this CRL for the last time (RFC
// 5280, section 5). Without a token of TaskPublish it makes the first CRL alone,
// of which there is one, whoever makes it.
func (p *publisher) publish(ctx context.Context, key ShardKey, token uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	issuer := p.s.live().issuers[key.Issuer]
	if issuer == nil {
		return fmt.Errorf("CRL %s of issuer %s cannot be signed: %w", key.Shard, key.Issuer, errNoKey)
	}
	var shard Shard
	var entries []byte
	err := p.s.store.View(ctx, func(r Reader) (err error) {
		if shard, err = r.Shard(key); err != nil {
			return err
		}
		entries, _, err = r.CRLEntries(key)
		return err
	})
	if err == nil && token == 0 && shard.Number > 0 {
		err = errPublished
	}
	if err != nil {
		return err
	}
	seen := p.s.clock.look()
	begin, end := seen.Earliest.Truncate(time.Second), seen.Latest.Truncate(time.Second)
	shard.Number++
	shard.Published, shard.ThisUpdate, shard.NextUpdate = shard.Changes, begin, end.Add(p.s.live().crlLifetime)
	der, err := issuer.SignCRL(ctx, ca.CRLParams{
		Shard: key.Shard, Number: shard.Number, ThisUpdate: begin, NextUpdate: shard.NextUpdate, Entries: entries,
	})
	if err != nil {
		return err
	}
	if err := p.record(ctx, shard, der, token); err != nil {
		return err
	}
	p.s.observer.Count(CountCRLs, 1)
	return nil
}

// record records what was published of a shard, unless that number was published
// before or, with a token, this node does not lead any more.
func (p *publisher) record(ctx context.Context, published Shard, der []byte, token uint64) error {
	key := published.ShardKey
	return p.s.store.Update(ctx, func(tx Tx) error {
		if token != 0 {
			if err := tx.Leading(TaskPublish, token); err != nil {
				return err
			}
		}
		current, err := tx.Shard(key)
		if err != nil {
			return err
		}
		if current.Number >= published.Number {
			return fmt.Errorf("CRL %s of issuer %s, number %d: %w", key.Shard, key.Issuer, published.Number, errPublished)
		}
		current.Number, current.Published = published.Number, published.Published
		current.ThisUpdate, current.NextUpdate = published.ThisUpdate, published.NextUpdate
		return errors.Join(tx.PutShard(current), tx.PutCRL(key, der), tx.DeleteCRLEntries(key, ca.FirstSerialAt(current.ThisUpdate)))
	})
}

// eachShard calls fn with every shard, part by part.
func (s *Service) eachShard(ctx context.Context, fn func(Shard) error) error {
	page := Page{Limit: MaxPage}
	for {
		var shards List[Shard]
		err := s.store.View(ctx, func(r Reader) (err error) {
			shards, err = r.Shards(page)
			return err
		})
		if err != nil {
			return err
		}
		for _, shard := range shards.Items {
			if err := fn(shard); err != nil {
				return err
			}
		}
		if page.After = shards.Next; page.After == "" {
			return nil
		}
	}
}
