package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// memory is enroll.Store in maps.
type memory struct {
	token  chan struct{} // held by the one transaction that writes
	closed chan struct{}
	once   sync.Once
	mu     sync.RWMutex // guards state; held for writing by the holder of token only
	state  state
}

// NewMemory returns a store that keeps nothing beyond its process: a working
// fake for tests of what stands on a store, and the oracle that other stores are
// compared with. It runs every Update's fn twice and keeps what the second run
// wrote, so that an fn that may not be run again is found out.
func NewMemory() enroll.Store {
	return &memory{token: make(chan struct{}, 1), closed: make(chan struct{}), state: newState()}
}

// state is what was committed.
type state struct {
	installation table[string, enroll.Installation]
	people       table[string, enroll.Person]
	issuers      table[string, enroll.IssuerRecord]
	fleets       table[identity.FleetID, identity.Fleet]
	documents    table[documentKey, enroll.Document]
	orders       table[enroll.OrderID, enroll.Order]
	quotas       table[enroll.OrderID, int]
	refusals     table[enroll.OrderID, map[enroll.Code]int]
	devices      table[identity.DeviceID, enroll.Device]
	certificates table[ca.Serial, enroll.Certificate]
	keys         table[ca.KeyHash, enroll.KeyUse]
	shards       table[enroll.ShardKey, enroll.Shard]
	crls         table[enroll.ShardKey, []byte]
	entries      table[entryKey, []byte]
	segments     table[segmentKey, enroll.Segment]
	dropped      table[string, uint64] // under "": all records below it

	records [][]byte
	stories map[identity.DeviceID][]uint64
	hashes  []tlog.Hash // as tlog stores them
}

type entryKey struct {
	shard  enroll.ShardKey
	serial ca.Serial
}

func newState() state {
	return state{
		installation: newTable[string](cloneInstallation),
		people:       newTable[string](clonePerson),
		issuers:      newTable[string](cloneIssuer),
		fleets:       newTable[identity.FleetID](same[identity.Fleet]),
		documents:    newTable[documentKey](cloneDocument),
		orders:       newTable[enroll.OrderID](cloneOrder),
		quotas:       newTable[enroll.OrderID](same[int]),
		refusals:     newTable[enroll.OrderID](cloneCounts),
		devices:      newTable[identity.DeviceID](cloneDevice),
		certificates: newTable[ca.Serial](cloneCertificate),
		keys:         newTable[ca.KeyHash](same[enroll.KeyUse]),
		shards:       newTable[enroll.ShardKey](cloneShard),
		crls:         newTable[enroll.ShardKey](cloneBytes),
		entries:      newTable[entryKey](cloneBytes),
		segments:     newTable[segmentKey](cloneSegment),
		dropped:      newTable[string](same[uint64]),
		stories:      map[identity.DeviceID][]uint64{},
	}
}

// begin returns the state with room for one transaction's own writes.
func (s state) begin() state {
	s.installation, s.people, s.issuers = s.installation.begin(), s.people.begin(), s.issuers.begin()
	s.fleets, s.orders, s.quotas = s.fleets.begin(), s.orders.begin(), s.quotas.begin()
	s.refusals, s.devices, s.certificates = s.refusals.begin(), s.devices.begin(), s.certificates.begin()
	s.keys, s.shards, s.crls, s.entries = s.keys.begin(), s.shards.begin(), s.crls.begin(), s.entries.begin()
	s.segments, s.dropped, s.documents = s.segments.begin(), s.dropped.begin(), s.documents.begin()
	return s
}

// commit makes a transaction's own writes everybody's.
func (s state) commit() {
	s.installation.commit()
	s.people.commit()
	s.issuers.commit()
	s.fleets.commit()
	s.orders.commit()
	s.quotas.commit()
	s.refusals.commit()
	s.devices.commit()
	s.certificates.commit()
	s.keys.commit()
	s.shards.commit()
	s.crls.commit()
	s.entries.commit()
	s.segments.commit()
	s.dropped.commit()
	s.documents.commit()
}

func (m *memory) View(ctx context.Context, fn func(enroll.Reader) error) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return fn(&memoryTx{state: m.state})
}

func (m *memory) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	select {
	case m.token <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.token }()
	if err := fn(&memoryTx{state: m.state.begin()}); err != nil {
		return err
	}
	tx := &memoryTx{state: m.state.begin()}
	if err := fn(tx); err != nil {
		return fmt.Errorf("the same transaction succeeded and then failed: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx.state.commit()
	return m.sequence(tx.events)
}

// usable says whether a transaction may begin.
func (m *memory) usable(ctx context.Context) error {
	select {
	case <-m.closed:
		return fmt.Errorf("%w: it was closed", enroll.ErrStoreUnavailable)
	default:
		return ctx.Err()
	}
}

func (m *memory) Lead(ctx context.Context, _ enroll.Task) (uint64, error) { return 1, m.usable(ctx) }

func (m *memory) Elsewhere() <-chan struct{} { return nil }

func (m *memory) Failed() <-chan struct{} { return nil }

func (m *memory) Close() error {
	m.once.Do(func() {
		m.token <- struct{}{}
		defer func() { <-m.token }()
		close(m.closed)
	})
	return nil
}
