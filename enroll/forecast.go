package enroll

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/touchmark/touchmark/ca"
)

// foreseenAtOnce is how many CRLs are made ahead of time in one go, so that those
// that tell of a withdrawal do not wait for them.
const foreseenAtOnce = 64

// forecast is what the shards' rows say about which shards certificates will name
// soon.
type forecast struct {
	widths   map[uint8]bool // of buckets that certificates name
	families map[familyKey]*levels
}

func newForecast() *forecast {
	return &forecast{widths: map[uint8]bool{}, families: map[familyKey]*levels{}}
}

// note learns from a row.
func (f *forecast) note(shard Shard) {
	if shard.Changes > 0 { // policies of fleets and own certificates have lifetimes that no profile has
		f.widths[shard.Shard.Width()] = true
	}
	at := familyKey{shard.Issuer, shard.Shard.Family()}
	if f.families[at] == nil {
		f.families[at] = &levels{}
	}
	f.families[at].note(shard, false)
}

// missing returns shards that have no row although certificates may name them soon,
// foreseenAtOnce at most: of the issuer that issues and of those that have not begun to, of
// the lifetimes of the profiles and of what was issued. By a clock that is not believed
// nobody knows what is soon, and nothing is issued to devices.
func (f *forecast) missing(ctx context.Context, s *Service) ([]ShardKey, error) {
	seen := s.clock.look()
	if seen.Fault != "" {
		return nil, nil
	}
	for _, profile := range s.live().profiles {
		if !profile.NoRevAvail() {
			f.widths[ca.ShardWidth(profile.Lifetime())] = true
		}
	}
	var keys []ShardKey
	for _, issuer := range s.live().upcoming {
		end := issuer.NotAfter()
		if end.Before(seen.Latest) {
			continue
		}
		for _, width := range slices.Sorted(maps.Keys(f.widths)) {
			over, upTo := ca.WidthLifetimes(width)
			first, last := seen.Earliest.Add(over), seen.Latest.Add(upTo+s.ahead())
			if first.After(end) {
				first = end
			}
			if last.After(end) {
				last = end
			}
			for _, whole := range ca.ShardsBetween(width, first, last) {
				if issuer.CRLURL(whole) == "" {
					continue // its certificates name none
				}
				more, err := f.missingOf(ctx, s, ShardKey{issuer.ID(), whole}, foreseenAtOnce-len(keys))
				if err != nil {
					return nil, err
				}
				keys = append(keys, more...)
			}
		}
	}
	return keys, nil
}

// missingOf returns up to limit missing shards of a bucket: of the level that its
// certificates name, and of the one that follows soon.
func (f *forecast) missingOf(ctx context.Context, s *Service, whole ShardKey, limit int) (keys []ShardKey, err error) {
	rows := f.families[familyKey{whole.Issuer, whole.Shard.Family()}]
	if rows == nil {
		rows = &levels{}
	}
	wanted := []uint8{splitBits(rows.issued), soonBits(rows.issued)}
	for _, bits := range slices.Compact(wanted) {
		if rows.known[bits]>>bits != 0 {
			continue
		}
		err := s.store.View(ctx, func(r Reader) error {
			found := keys
			for index := uint32(0); index>>bits == 0 && len(found) < limit; index++ {
				key := ShardKey{whole.Issuer, whole.Shard.Split(bits, index)}
				_, err := r.Shard(key)
				switch {
				case errors.Is(err, ErrNotFound):
					found = append(found, key)
				case err != nil:
					return err
				}
			}
			keys = found
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}
