package enroll

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// publishEvery is how often the publisher looks for what is due without having
	// been woken, such as CRLs near their nextUpdate.
	publishEvery = time.Second
	// stepBack is how long a node does not lead that lacks an issuer's key.
	stepBack = 2 * LeadTerm
	// apartness is how far the clocks of nodes may be apart before one signs anew what
	// another signed.
	apartness = time.Second
)

var (
	// errNoKey means that an issuer's key is not on this node.
	errNoKey = errors.New("the issuer's key is not configured")
	// errPublished means that a CRL of the number was published before.
	errPublished = errors.New("the CRL was published meanwhile")
)

// publisher keeps the CRL of every shard fresh: at once when its entries change,
// at half its lifetime when they do not, and right after a start. Of several nodes
// the one that leads TaskPublish does that. What it records is refused where its
// term is over, so that a node which slept harms nothing when it wakes.
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
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	for {
		err := p.publishDue(ctx)
		if err != nil && ctx.Err() == nil {
			p.s.observer.Count(CountCRLFailures, 1)
			p.s.log.Error("a CRL could not be published; the next attempt follows", "error", err)
		}
		if errors.Is(err, errNoKey) && p.s.store.Elsewhere() != nil {
			p.standBack(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.work:
		case <-ticker.C:
		}
	}
}

// standBack lets a node lead that has the key, as after a new issuer was installed
// and not all nodes have been told.
func (p *publisher) standBack(ctx context.Context) {
	over := time.NewTimer(stepBack)
	defer over.Stop()
	select {
	case <-ctx.Done():
	case <-over.C:
	}
}

// publishDue publishes every shard that changed or is due, and drops those that
// are over, where this node leads. A fault of one shard does not keep the others
// waiting.
func (p *publisher) publishDue(ctx context.Context) error {
	if token, err := p.s.store.Lead(ctx, TaskPublish); token == 0 || err != nil {
		return err
	}
	var faults []error
	err := p.s.eachShard(ctx, func(shard Shard) error {
		if !p.over(shard) && !p.due(shard) {
			return nil
		}
		// Anew for each, because a slow key may take longer than a term.
		token, err := p.s.store.Lead(ctx, TaskPublish)
		switch {
		case err != nil:
			return err
		case token == 0:
			return ErrNotLeading
		case p.over(shard):
			err = p.drop(ctx, shard.ShardKey, token)
		default:
			err = p.publish(ctx, shard.ShardKey, token)
		}
		if errors.Is(err, ErrNotLeading) {
			return err
		}
		if !errors.Is(err, errPublished) {
			faults = append(faults, err)
		}
		return ctx.Err()
	})
	if errors.Is(err, ErrNotLeading) {
		err = nil // whoever leads now goes on
	}
	return errors.Join(append(faults, err)...)
}

// due reports whether a shard's CRL does not say what it should, or is past half
// its time, or was made by a clock that was ahead. The one made after its last certificate expired is its last.
func (p *publisher) due(shard Shard) bool {
	if shard.ThisUpdate.After(shard.Shard.Expires()) {
		return false
	}
	seen, lifetime := p.s.clock.look(), p.s.live().crlLifetime
	return shard.Number == 0 || shard.Changes != shard.Published ||
		seen.Latest.After(shard.NextUpdate.Add(-lifetime/2)) ||
		shard.ThisUpdate.After(seen.Earliest.Add(apartness)) || shard.NextUpdate.After(seen.Latest.Add(lifetime+apartness))
}

// over reports whether a shard has had a CRL after its last certificate expired
// and that CRL has run out: nobody asks for it any more.
func (p *publisher) over(shard Shard) bool {
	end := shard.Shard.Expires()
	return shard.ThisUpdate.After(end) && p.s.clock.look().Earliest.After(shard.NextUpdate)
}

func (p *publisher) drop(ctx context.Context, key ShardKey, token uint64) error {
	return p.s.store.Update(ctx, func(tx Tx) error {
		if err := tx.Leading(TaskPublish, token); err != nil {
			return err
		}
		return tx.DeleteShard(key)
	})
}
