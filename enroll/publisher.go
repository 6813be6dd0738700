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

// publishDue publishes every shard that changed or is due, drops those that are
// over, and then makes the CRLs that certificates will name soon, where this node
// leads. A fault of one shard does not keep the others waiting.
func (p *publisher) publishDue(ctx context.Context) error {
	if token, err := p.s.store.Lead(ctx, TaskPublish); token == 0 || err != nil {
		return err
	}
	var faults []error
	known := newForecast()
	err := p.s.eachShard(ctx, func(shard Shard) error {
		known.note(shard)
		do := p.task(shard)
		if do == nil {
			return nil
		}
		err := p.leading(ctx, func(token uint64) error { return do(ctx, shard.ShardKey, token) })
		if errors.Is(err, ErrNotLeading) {
			return err
		}
		if !errors.Is(err, errPublished) {
			faults = append(faults, err)
		}
		return ctx.Err()
	})
	if err == nil {
		err = p.foresee(ctx, known)
	}
	if errors.Is(err, ErrNotLeading) {
		err = nil // whoever leads now goes on
	}
	return errors.Join(append(faults, err)...)
}

// task returns what is to be done about a shard now, or nil.
func (p *publisher) task(shard Shard) func(context.Context, ShardKey, uint64) error {
	switch {
	case p.over(shard):
		return p.drop
	case shard.Changes == 0 && p.s.live().issuers[shard.Issuer] == nil:
		return nil // an issuer that was taken away issues nothing into it
	case p.due(shard):
		return p.publish
	default:
		return nil
	}
}

// leading does something with the token of this node's term, asked for anew because a
// slow key may take longer than a term.
func (p *publisher) leading(ctx context.Context, do func(token uint64) error) error {
	token, err := p.s.store.Lead(ctx, TaskPublish)
	if err == nil && token == 0 {
		err = ErrNotLeading
	}
	if err != nil {
		return err
	}
	return do(token)
}

// foresee makes the CRLs that certificates will name soon. The first fault ends it: a
// key that makes one wait is not asked for the others.
func (p *publisher) foresee(ctx context.Context, known *forecast) error {
	missing, err := known.missing(ctx, p.s)
	if err != nil {
		return err
	}
	for _, key := range missing {
		err := p.leading(ctx, func(token uint64) error { return p.publishFirst(ctx, key, token) })
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && !errors.Is(err, errPublished) {
			return err
		}
	}
	if len(missing) >= foreseenAtOnce {
		p.wake()
	}
	return nil
}

// due reports whether a shard's CRL does not say what it should, or is past half
// its time, or was made by a clock that was ahead. The one made after its last
// certificate expired is its last.
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
// and that CRL has run out: nobody asks for it any more. One without certificates
// is over when its bucket is, by the slowest clock that issues (no number of its CRLs is
// to be used twice), or when its issuer was taken away and its CRL has run out.
func (p *publisher) over(shard Shard) bool {
	end, earliest := shard.Shard.Expires(), p.s.clock.look().Earliest
	switch {
	case shard.Changes > 0:
		return shard.ThisUpdate.After(end) && earliest.After(shard.NextUpdate)
	case p.s.live().issuers[shard.Issuer] == nil:
		return earliest.After(shard.NextUpdate)
	default:
		return earliest.After(end.Add(2 * p.s.clock.limits.Tolerance))
	}
}

// drop forgets a shard, unless it was without certificates and has got one.
func (p *publisher) drop(ctx context.Context, key ShardKey, token uint64) error {
	return p.s.store.Update(ctx, func(tx Tx) error {
		if err := tx.Leading(TaskPublish, token); err != nil {
			return err
		}
		shard, err := tx.Shard(key)
		if errors.Is(err, ErrNotFound) || err == nil && !p.over(shard) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteShard(key)
	})
}
