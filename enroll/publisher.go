package enroll

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// publishEvery is how often the publisher looks for what is due without having
// been woken: CRLs near their nextUpdate, and changes made by other nodes.
const publishEvery = time.Second

// publisher keeps the CRL of every shard fresh: at once when its entries change,
// at half its lifetime when they do not, and right after a start.
type publisher struct {
	s    *Service
	work chan struct{} // holds a token while there may be work

	mu sync.Mutex // held while one CRL is made, so that numbers follow each other
}

func newPublisher(s *Service) *publisher {
	return &publisher{s: s, work: make(chan struct{}, 1)}
}

// wake has the publisher look now.
func (p *publisher) wake() {
	select {
	case p.work <- struct{}{}:
	default:
	}
}

// run publishes until ctx is done.
func (p *publisher) run(ctx context.Context) error {
	if err := p.learn(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	for {
		if err := p.publishDue(ctx); err != nil && ctx.Err() == nil {
			p.s.observer.Count(CountCRLFailures, 1)
			p.s.log.Error("a CRL could not be published; the next attempt follows", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.work:
		case <-ticker.C:
		}
	}
}

// learn tells the splits how many certificates each shard has.
func (p *publisher) learn(ctx context.Context) error {
	return p.eachShard(ctx, func(shard Shard) error {
		p.s.splits.learn(shard)
		return nil
	})
}

// publishDue publishes every shard that changed or is due, and drops those that
// are over. A fault of one shard does not keep the others waiting.
func (p *publisher) publishDue(ctx context.Context) error {
	var faults []error
	err := p.eachShard(ctx, func(shard Shard) error {
		if p.over(shard) {
			faults = append(faults, p.drop(ctx, shard.ShardKey))
		} else if p.due(shard) {
			_, err := p.publish(ctx, shard.ShardKey)
			faults = append(faults, err)
		}
		return ctx.Err()
	})
	return errors.Join(append(faults, err)...)
}

// due reports whether a shard's CRL does not say what it should, or is past half
// its time. The one made after its last certificate expired is its last.
func (p *publisher) due(shard Shard) bool {
	if shard.ThisUpdate.After(shard.Shard.Expires()) {
		return false
	}
	half := shard.ThisUpdate.Add(shard.NextUpdate.Sub(shard.ThisUpdate) / 2)
	return shard.Number == 0 || shard.Changes != shard.Published || p.s.now().After(half)
}

// over reports whether a shard has had a CRL after its last certificate expired
// and that CRL has run out: nobody asks for it any more.
func (p *publisher) over(shard Shard) bool {
	end := shard.Shard.Expires()
	return shard.ThisUpdate.After(end) && p.s.now().After(shard.NextUpdate)
}

func (p *publisher) drop(ctx context.Context, key ShardKey) error {
	p.s.splits.forget(key)
	return p.s.store.Update(ctx, func(tx Tx) error { return tx.DeleteShard(key) })
}

// eachShard calls fn with every shard, part by part.
func (p *publisher) eachShard(ctx context.Context, fn func(Shard) error) error {
	page := Page{Limit: MaxPage}
	for {
		var shards List[Shard]
		err := p.s.store.View(ctx, func(r Reader) (err error) {
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

// publish signs a shard's CRL of what is recorded and records it. Entries of
// certificates that expired before it are in this CRL for the last time (RFC
// 5280, section 5).
func (p *publisher) publish(ctx context.Context, key ShardKey) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	issuer := p.s.issuers[key.Issuer]
	if issuer == nil {
		return nil, fmt.Errorf("the key of issuer %s is not configured: CRL %s cannot be signed", key.Issuer, key.Shard)
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
	if err != nil {
		return nil, err
	}
	issued := p.s.splits.take(key)
	now := p.s.now().Truncate(time.Second)
	number, changes := shard.Number+1, shard.Changes
	der, err := issuer.SignCRL(ctx, ca.CRLParams{
		Shard: key.Shard, Number: number, ThisUpdate: now, NextUpdate: now.Add(p.s.crlLifetime), Entries: entries,
	})
	if err == nil {
		err = p.s.store.Update(ctx, func(tx Tx) error {
			current, err := tx.Shard(key)
			if err != nil {
				return err
			}
			if current.Number >= number {
				return fmt.Errorf("CRL %s of issuer %s: number %d was published meanwhile", key.Shard, key.Issuer, number)
			}
			current.Number, current.Published, current.ThisUpdate, current.NextUpdate = number, changes, now, now.Add(p.s.crlLifetime)
			current.Issued += issued
			return errors.Join(tx.PutShard(current), tx.PutCRL(key, der), tx.DeleteCRLEntries(key, ca.FirstSerialAt(now)))
		})
	}
	if err != nil {
		p.s.splits.putBack(key, issued)
		return nil, err
	}
	p.s.observer.Count(CountCRLs, 1)
	return der, nil
}
