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
	next, der, err := p.sign(ctx, shard, entries)
	if err != nil {
		return err
	}
	return p.record(ctx, next, der, token)
}

// publishFirst makes the first CRL of a shard that has no row, and no certificates, and
// its row with it: where the key does not sign there is none, and so nothing that the
// bundle would wait for.
func (p *publisher) publishFirst(ctx context.Context, key ShardKey, token uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, der, err := p.sign(ctx, Shard{ShardKey: key}, nil)
	if err != nil {
		return err
	}
	err = p.s.store.Update(ctx, func(tx Tx) error {
		if err := tx.Leading(TaskPublish, token); err != nil {
			return err
		}
		_, err := tx.Shard(key)
		if err == nil {
			return fmt.Errorf("CRL %s of issuer %s: %w", key.Shard, key.Issuer, errPublished)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		return errors.Join(tx.PutShard(first), tx.PutCRL(key, der))
	})
	if err == nil {
		p.s.observer.Count(CountCRLs, 1)
	}
	return err
}

// sign returns a shard as it is with its next CRL, and that CRL.
func (p *publisher) sign(ctx context.Context, shard Shard, entries []byte) (next Shard, der []byte, err error) {
	issuer := p.s.live().issuers[shard.Issuer]
	if issuer == nil {
		return next, nil, fmt.Errorf("CRL %s of issuer %s cannot be signed: %w", shard.Shard, shard.Issuer, errNoKey)
	}
	seen, next := p.s.clock.look(), shard
	begin, end := seen.Earliest.Truncate(time.Second), seen.Latest.Truncate(time.Second)
	next.Number++
	next.Published, next.ThisUpdate, next.NextUpdate = shard.Changes, begin, end.Add(p.s.live().crlLifetime)
	der, err = issuer.SignCRL(ctx, ca.CRLParams{
		Shard: next.Shard, Number: next.Number, ThisUpdate: begin, NextUpdate: next.NextUpdate, Entries: entries,
	})
	return next, der, err
}

// record records what was published of a shard, unless that number was published
// before or, with a token, this node does not lead any more.
func (p *publisher) record(ctx context.Context, published Shard, der []byte, token uint64) error {
	key := published.ShardKey
	err := p.s.store.Update(ctx, func(tx Tx) error {
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
	if err == nil {
		p.s.observer.Count(CountCRLs, 1)
	}
	return err
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
