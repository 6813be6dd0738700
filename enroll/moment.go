package enroll

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// authorityKey is the one key of RevisionDocument.
const authorityKey = "authority"

// maxRemembered bounds each of a moment's maps, in entries: past it they begin anew.
const maxRemembered = 16_384

// moments remembers what decisions rest on, for as long as its revision stands.
// Whoever changes a fleet's place, a policy, a grant, a role or a token writes a
// new revision in the same transaction, so that one small read tells every node
// whether what it remembers still holds.
type moments struct {
	builtIn map[identity.Role]permissions // never changes

	mu   sync.Mutex // guards last
	last *moment
}

func newMoments() *moments {
	m := &moments{builtIn: map[identity.Role]permissions{}}
	for _, role := range append(identity.Roles(), identity.BreakGlassRole) {
		m.builtIn[role] = permissionsOf(role.Permissions())
	}
	m.last = newMoment("", m.builtIn)
	return m
}

// at returns what is remembered of the revision that r sees.
func (m *moments) at(r Reader) (*moment, error) {
	data, err := r.Document(RevisionDocument, authorityKey)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.revision != string(data) {
		m.last = newMoment(string(data), m.builtIn)
	}
	return m.last, nil
}

// moment is what is known of one revision. All of it was read under that revision,
// and belongs to everybody.
type moment struct {
	revision string
	builtIn  map[identity.Role]permissions // never changes

	mu       sync.RWMutex // guards the maps
	places   map[identity.FleetID]*place
	holdings map[string][]holding        // by whom they are for, hashed
	people   map[string][]holding        // of those in groups, by all that decides it
	roles    map[identity.Role]knownRole // of the organisation's own
	tokens   map[TokenID]*scopedToken
	makers   map[string]maker      // by their ids
	members  map[string]Membership // by their pseudonyms
}

func newMoment(revision string, builtIn map[identity.Role]permissions) *moment {
	return &moment{
		revision: revision, builtIn: builtIn, places: map[identity.FleetID]*place{}, holdings: map[string][]holding{}, people: map[string][]holding{},
		roles: map[identity.Role]knownRole{}, tokens: map[TokenID]*scopedToken{}, makers: map[string]maker{},
		members: map[string]Membership{},
	}
}

// permissions is a set.
type permissions map[identity.Permission]bool

func permissionsOf(list []identity.Permission) permissions {
	set := make(permissions, len(list))
	for _, permission := range list {
		set[permission] = true
	}
	return set
}

// remembered returns what is under a key of one of a moment's maps, or reads it.
func remembered[K comparable, V any](m *moment, in map[K]V, key K, read func() (V, error)) (V, error) {
	m.mu.RLock()
	value, known := in[key]
	m.mu.RUnlock()
	if known {
		return value, nil
	}
	value, err := read()
	if err == nil {
		keep(m, in, key, value)
	}
	return value, err
}

// keep puts a value under a key of one of a moment's maps.
func keep[K comparable, V any](m *moment, in map[K]V, key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(in) >= maxRemembered {
		clear(in)
	}
	in[key] = value
}

// place is a fleet as decisions see it. It belongs to everybody.
type place struct {
	id   identity.FleetID
	path identity.FleetPath
	// chain are the ids from the root down to the fleet itself.
	chain []identity.FleetID
	// policy is what holds there.
	policy policy.Effective
}

// within reports whether the place is the fleet or lies below it.
func (p *place) within(fleet identity.FleetID) bool { return slices.Contains(p.chain, fleet) }

// place returns where a fleet stands now.
func (m *moment) place(r Reader, id identity.FleetID) (*place, error) {
	return remembered(m, m.places, id, func() (*place, error) {
		if id == identity.RootFleetID {
			root := &place{id: id, path: identity.RootFleet, chain: []identity.FleetID{id}}
			return root, root.read(r, policy.Effective{})
		}
		fleet, err := r.Fleet(id)
		if err != nil {
			return nil, err
		}
		above, err := m.place(r, fleet.Parent)
		if err != nil {
			return nil, err
		}
		here := above.below(id, fleet.Name)
		return here, here.read(r, above.policy)
	})
}

// below returns the place of a new fleet called name directly below p.
func (p *place) below(id identity.FleetID, name string) *place {
	return &place{id: id, path: p.path.Child(name), chain: append(slices.Clone(p.chain), id), policy: p.policy}
}

// read fills in what holds at the place, below what holds above it.
func (p *place) read(r Reader, above policy.Effective) error {
	own, err := readPolicy(r, p.id)
	p.policy = above.Below(policy.Layer{Fleet: p.id, Path: p.path, Policy: own.Policy})
	return err
}

// place returns where a fleet stands now.
func (s *Service) place(r Reader, id identity.FleetID) (*place, error) {
	m, err := s.live().moments.at(r)
	if err != nil {
		return nil, err
	}
	return m.place(r, id)
}

// turn writes that what decisions rest on has changed. It comes last in its
// transaction: what is read after it would be remembered under a revision that may
// never be. The revision is random, and another each time that the transaction is
// run, so that one that was given up leaves nothing that another could be taken for:
// what shared its batch may have read, under its revision, what is not so any more.
func (s *Service) turn(tx Tx) error {
	revision, err := s.randomText(16)
	if err != nil {
		return err
	}
	return tx.PutDocument(RevisionDocument, authorityKey, []byte(revision))
}

// changeAuthority runs a change of what decisions rest on, and turns the revision.
func (s *Service) changeAuthority(ctx context.Context, change func(Tx) error) error {
	return s.store.Update(ctx, func(tx Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return s.turn(tx)
	})
}
