package enroll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// useEvery is how often it is written, at most, that a token was used.
	useEvery = 15 * time.Minute
	// maxUses bounds how many uses are written in one transaction.
	maxUses = 500
)

// tokenUse is when a token was last used, in a TokenUseDocument.
type tokenUse struct {
	At time.Time `json:"at"`
}

// uses remembers when tokens were used at this node. They are written by keepHouse,
// so that no call waits for that, or fails for it.
type uses struct {
	mu   sync.Mutex // guards seen
	seen map[TokenID]use
}

type use struct {
	at      time.Time
	written time.Time // the use that was written last, by this node
}

func newUses() *uses { return &uses{seen: map[TokenID]use{}} }

func (u *uses) note(id TokenID, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.seen[id]; !known && len(u.seen) >= maxRemembered {
		clear(u.seen) // what is forgotten is written at the next use
	}
	u.seen[id] = use{at: now, written: u.seen[id].written}
}

func (u *uses) last(id TokenID) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen[id].at
}

func (u *uses) forget(id TokenID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.seen, id)
}

// due returns the uses that are to be written.
func (u *uses) due() map[TokenID]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := map[TokenID]time.Time{}
	for id, it := range u.seen {
		if it.at.Sub(it.written) >= useEvery {
			due[id] = it.at
		}
	}
	return due
}

func (u *uses) wrote(id TokenID, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if it, known := u.seen[id]; known {
		u.seen[id] = use{at: it.at, written: at}
	}
}

// recordUses writes which tokens were used.
func (s *Service) recordUses(ctx context.Context) error {
	due := s.uses.due()
	var ids []TokenID
	for id := range due {
		ids = append(ids, id)
	}
	for part := range slices.Chunk(ids, maxUses) {
		err := s.store.Update(ctx, func(tx Tx) error {
			for _, id := range part {
				if err := putUse(tx, id, due[id]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, id := range part {
			s.uses.wrote(id, due[id])
		}
	}
	return nil
}

// putUse writes when a token was used, unless another node did so lately, or the
// token is gone.
func putUse(tx Tx, id TokenID, at time.Time) error {
	written, err := readUse(tx, id)
	if err != nil || at.Sub(written) < useEvery {
		return err
	}
	if _, err := readToken(tx, id); errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return putDocument(tx, TokenUseDocument, string(id), tokenUse{At: at})
}

// readUse returns when a token was last used, as it was written; zero for never.
func readUse(r Reader, id TokenID) (time.Time, error) {
	use, err := readDocument[tokenUse](r, TokenUseDocument, string(id))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return use.At, err
}

// lastUse returns when a token was last used, as far as this node knows.
func (s *Service) lastUse(r Reader, id TokenID) (time.Time, error) {
	written, err := readUse(r, id)
	if here := s.uses.last(id); here.After(written) {
		written = here
	}
	return written, err
}
