package enroll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// Membership is what is remembered of somebody of a provider, so that what they left
// to be done without them, by a token, is done with their power. Only those are
// remembered who did so.
type Membership struct {
	ID      string   `json:"id"` // identity.Principal.ID
	Issuer  string   `json:"issuer"`
	Subject string   `json:"subject"`
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups,omitempty"` // sorted
	// SeenAt is when the provider last confirmed the groups, to a day.
	SeenAt time.Time `json:"seen_at"`
	// ChangedAt is when the groups last became others; zero for never.
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

const (
	// confirmEvery is how often it is noted, at most, that somebody's groups are still
	// the same.
	confirmEvery = 24 * time.Hour
	// growEvery is how long after a change somebody's groups become no more; fewer they
	// become at once. Without it, whoever had two access tokens that list different
	// groups could have everything that is remembered read anew with every call.
	growEvery = time.Minute
	// maxGroups bounds the groups that are remembered, in bytes together, so that they
	// fit into a document however JSON writes them; those beyond give nothing.
	maxGroups = MaxDocument / 8
)

func readMembership(r Reader, pseudonym string) (Membership, error) {
	return readDocument[Membership](r, MembershipDocument, pseudonym)
}

// remember notes who somebody of a provider is and which groups they are in, from
// their own call; of other principals there is nothing to remember. It is run by
// changeAuthority.
func (s *Service) remember(tx Tx, p identity.Principal) error {
	if p.Kind != identity.OIDC {
		return nil
	}
	pseudonym := s.people.pseudonym(p)
	known, err := readMembership(tx, pseudonym)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return putDocument(tx, MembershipDocument, pseudonym, Membership{
		ID: p.ID(), Issuer: p.Issuer, Subject: p.Subject, Name: p.Name, Groups: memorable(p.Groups), SeenAt: s.now(), ChangedAt: known.ChangedAt,
	})
}

// memorable sorts groups, each once, and keeps as many as there is room for.
func memorable(groups []string) []string {
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	room := maxGroups
	for i, group := range groups {
		if room -= len(group) + 8; room < 0 { // quotes, a comma, and some
			return groups[:i]
		}
	}
	return groups
}

// Arrived is told of everybody whom a provider has just vouched for, before their
// call goes on: whoever is remembered has the groups from now on that the provider
// says. It costs a read, and writes only where there is something new, or once a day.
func (s *Service) Arrived(ctx context.Context, p identity.Principal) error {
	if p.Kind != identity.OIDC {
		return nil
	}
	pseudonym, groups := s.people.pseudonym(p), memorable(p.Groups)
	var m *moment
	var known Membership
	err := s.store.View(ctx, func(r Reader) (err error) {
		if m, err = s.live().moments.at(r); err != nil {
			return err
		}
		known, err = remembered(m, m.members, pseudonym, func() (Membership, error) { return readMembership(r, pseudonym) })
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch s.newsOf(known, groups) {
	case powerChanged:
		return s.changeAuthority(ctx, func(tx Tx) error {
			_, err := s.bringUpToDate(tx, p, pseudonym, groups)
			return err
		})
	case confirmed:
		err := s.store.Update(ctx, func(tx Tx) error {
			before, err := readMembership(tx, pseudonym)
			if ifAny(err) != nil {
				return err
			}
			if known, err = s.bringUpToDate(tx, p, pseudonym, groups); err != nil || slices.Equal(known.Groups, before.Groups) {
				return err
			}
			return s.turn(tx) // others said meanwhile that they are in other groups
		})
		if err == nil && known.ID != "" {
			keep(m, m.members, pseudonym, known)
		}
		return err
	default:
		return nil
	}
}

// news is what somebody's arrival tells of their groups.
type news int

const (
	nothingNew news = iota
	confirmed
	powerChanged
)

// newsOf compares what is remembered of somebody with the groups that they have now.
func (s *Service) newsOf(known Membership, groups []string) news {
	now := s.now()
	switch next := grown(known, groups, now); {
	case !slices.Equal(next, known.Groups), now.Sub(known.SeenAt) >= s.live().membershipLifetime:
		return powerChanged
	case now.Sub(known.SeenAt) >= min(confirmEvery, s.live().membershipLifetime/2):
		return confirmed
	default:
		return nothingNew
	}
}

// grown returns the groups that somebody is to be remembered with.
func grown(known Membership, groups []string, now time.Time) []string {
	if now.Sub(known.ChangedAt) >= growEvery {
		return groups
	}
	return slices.DeleteFunc(slices.Clone(known.Groups), func(group string) bool {
		_, still := slices.BinarySearch(groups, group)
		return !still
	})
}

// bringUpToDate writes what somebody's arrival tells, unless that stands there by
// now, and returns what stands there. Whoever was forgotten stays so.
func (s *Service) bringUpToDate(tx Tx, p identity.Principal, pseudonym string, groups []string) (Membership, error) {
	known, err := readMembership(tx, pseudonym)
	if errors.Is(err, ErrNotFound) {
		return known, nil
	}
	if err != nil || s.newsOf(known, groups) == nothingNew {
		return known, err
	}
	now := s.now()
	next := grown(known, groups, now)
	if !slices.Equal(next, known.Groups) {
		known.Groups, known.ChangedAt = next, now
	}
	known.Name, known.SeenAt = p.Name, now
	return known, putDocument(tx, MembershipDocument, pseudonym, known)
}
