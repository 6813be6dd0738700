package enroll

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// Grants and scoped tokens that have ended are listed for a while, and forgotten then:
// the log keeps that they were. Each stands under its end, so that the oldest are found
// without a look at the rest.

const (
	// endedRetention is how long a grant or a token can be looked at after its end.
	endedRetention = 90 * 24 * time.Hour
	// endedBatch is how many are forgotten in one transaction, endedBatches how many
	// transactions there are each time.
	endedBatch, endedBatches = 100, 10
)

// What stands under an end.
const (
	endOfGrant = "grant"
	endOfToken = "token"
)

// endKey is the key of what ends; the first ends come first. What has no end has none.
func endKey(until time.Time, what, id string) string {
	if until.IsZero() {
		return ""
	}
	return fmt.Sprintf("%012d/%s/%s", until.Unix(), what, id)
}

func putEnd(tx Tx, until time.Time, what, id string) error {
	if until.IsZero() {
		return nil
	}
	return tx.PutDocument(EndDocument, endKey(until, what, id), nil)
}

// ForgetEnded forgets grants and tokens that ended long ago, a bounded number of them.
// Run calls it.
func (s *Service) ForgetEnded(ctx context.Context) error {
	for range endedBatches {
		due, err := s.endedLongAgo(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		err = s.changeAuthority(ctx, func(tx Tx) error {
			for _, key := range due {
				if err := forgetEnd(tx, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(due) < endedBatch {
			return err
		}
	}
	return nil
}

// endedLongAgo returns the keys of the oldest ends that are to be forgotten.
func (s *Service) endedLongAgo(ctx context.Context) (due []string, err error) {
	before := endKey(s.now().Add(-endedRetention), "", "")
	err = s.store.View(ctx, func(r Reader) error {
		due = nil
		oldest, err := r.Documents(EndDocument, "", Page{Limit: endedBatch})
		for _, d := range oldest.Items {
			if d.Key < before {
				due = append(due, d.Key)
			}
		}
		return err
	})
	return due, err
}

// forgetEnd forgets what stands under an end, if that is its end still.
func forgetEnd(tx Tx, key string) error {
	_, rest, _ := strings.Cut(key, "/")
	what, id, _ := strings.Cut(rest, "/")
	var err error
	switch what {
	case endOfGrant:
		var g Grant
		if g, err = readGrant(tx, GrantID(id)); err == nil && endKey(g.Until, what, id) == key {
			return deleteGrant(tx, g)
		}
	case endOfToken:
		var t Token
		if t, err = readToken(tx, TokenID(id)); err == nil && endKey(t.Until, what, id) == key {
			return deleteToken(tx, t)
		}
	}
	return errors.Join(ifAny(err), tx.DeleteDocument(EndDocument, key))
}

// Bounds of what is given to one principal or group in one fleet right below the root,
// or made by one person: of what stands, and with what has ended and is not forgotten
// yet. Who gives in one such fleet does not use up what may be given in another;
// maxAnywhere bounds what is read to decide about one, wherever it was given.
const (
	maxStanding       = 500
	maxStandingOrOver = 2_000
	maxAnywhere       = 4 * maxStandingOrOver
)

// roomFor refuses one more below a prefix than may stand there. until reads the end of
// each, zero for none; counts says of each whether it is among those that are bounded
// together.
func roomFor[T any](r Reader, kind DocumentKind, of string, now time.Time, until func(T) time.Time, counts func(T) (bool, error), full func(n int, what string) error) error {
	standing, all, anywhere := 0, 0, 0
	err := eachDocument(r, kind, granteeKey(of)+"/", func(it T) error {
		anywhere++
		if counted, err := counts(it); err != nil || !counted {
			return err
		}
		if all++; until(it).IsZero() || now.Before(until(it)) {
			standing++
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case standing >= maxStanding:
		return full(maxStanding, "")
	case all >= maxStandingOrOver:
		return full(maxStandingOrOver, ", with those that have ended")
	case anywhere >= maxAnywhere:
		return full(maxAnywhere, ", on all branches, with those that have ended")
	default:
		return nil
	}
}

// mayHoldMore refuses a grant at a place to somebody for whom there are as many as there
// may be in the fleet right below the root in which it lies.
func (a *access) mayHoldMore(r Reader, grantee string, at *place) error {
	beside := func(g Grant) (bool, error) {
		other, err := a.moment.place(r, g.Fleet)
		if errors.Is(err, ErrNotFound) { // it went meanwhile, and its grants with it
			return false, nil
		}
		return err == nil && other.countedAt() == at.countedAt(), err
	}
	return roomFor(r, GrantOfDocument, grantee, a.now, func(g Grant) time.Time { return g.Until }, beside, func(n int, what string) error {
		return Refuse(Conflict, "there are %d grants for them already%s; delete some, or give a role of your own that holds more", n, what)
	})
}

// mayMakeMore refuses a token to somebody who has made as many as there may be.
func (a *access) mayMakeMore(r Reader, maker identity.Principal) error {
	each := func(Token) (bool, error) { return true, nil }
	return roomFor(r, TokenOfDocument, maker.ID(), a.now, func(t Token) time.Time { return t.Until }, each, func(n int, what string) error {
		return Refuse(Conflict, "you have made %d tokens already%s; revoke some", n, what)
	})
}
