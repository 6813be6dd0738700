package bolt

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
)

// verifier checks a file row by row, in the order of the trees.
type verifier struct {
	*reader
	schema  int
	issuers map[string]*x509.Certificate // met so far
	size    uint64                       // of the log
	first   uint64                       // its oldest record that was not dropped
	tree    audit.Frontier               // of the records met so far
	edge    map[int]tile                 // of the log's tiles, those last looked at, by level
	tiles   uint64                       // met so far
	forgot  bool                         // keys, with certificates that left for the archive
	indexed map[index]int                // entries that are to be there, less those met
	aside   errgroup.Group               // checks signatures, on every core; reads issuers
}

// rowCheck checks a row in one way.
type rowCheck func(v *verifier, t tree, key, value []byte) error

// index is a tree, or a kind of keys within it, that is made of what others hold.
type index struct {
	tree tree
	kind byte // of the tree of devices: storyKey or lineageKey
}

func newVerifier(tx *bbolt.Tx, schema int) (*verifier, error) {
	v := &verifier{
		schema: schema, reader: &reader{snapshot: &snapshot{tx: tx}}, issuers: map[string]*x509.Certificate{},
		edge: map[int]tile{}, indexed: map[index]int{},
	}
	v.aside.SetLimit(runtime.GOMAXPROCS(0))
	v.forgot = v.archives()
	return v, v.logBegin()
}

// form checks that a row can be read, and that indexes and what they are of agree:
// each thing is looked for in its indexes, and all entries are counted.
func (v *verifier) form(t tree, key, value []byte) error {
	if value == nil {
		return errors.New("a tree stands in its place")
	}
	switch t {
	case meta, treeCount:
		return nil // readSchema and logBegin have read it
	case installation:
		return readable[installationRow](value)
	case people:
		return readable[personRow](value)
	case issuers:
		return readable[issuerRow](value)
	case fleets:
		return v.fleetForm(key, value)
	case orders:
		return v.orderForm(key, value)
	case children, fleetOrders, fleetDevices, stateDevices:
		v.indexed[index{tree: t}]--
		return nil
	case quotas:
		return errors.Join(sized(value, 8), v.there(orders, key))
	case refusals:
		return errors.Join(readable[refusalsRow](value), v.there(orders, key))
	case devices:
		return v.deviceForm(key, value)
	case keys:
		return errors.Join(sized(key, 32), readable[keyRow](value))
	case certificates:
		return v.certificateForm(key, value)
	case shards:
		return readable[shardRow](value)
	case crls, crlEntries:
		return nil // they are DER
	case records:
		return v.record(key, value)
	case tiles:
		return v.tile(key, value)
	case segments:
		return segmentForm(key, value)
	case lapsed:
		v.indexed[index{tree: t}]--
		return nil
	case documents:
		return documentForm(key, value)
	}
	return errors.New("no such tree")
}

func (v *verifier) fleetForm(key, value []byte) error {
	row, err := read[fleetRow](value)
	if err != nil || row.Parent == "" {
		return err
	}
	return v.expect(index{tree: children}, joined(row.Parent, row.Name), key)
}

func (v *verifier) orderForm(key, value []byte) error {
	row, err := read[orderRow](value)
	if err != nil {
		return err
	}
	return v.expect(index{tree: fleetOrders}, joined(row.Fleet, string(key)), nil)
}

// deviceForm checks what stands in the tree of devices, as keys.go says.
func (v *verifier) deviceForm(key, value []byte) error {
	end := bytes.IndexFunc(key, func(r rune) bool { return r < rune(lowestInID) })
	if end < 0 {
		return errors.New("its key is that of no device")
	}
	id, kind, rest := identity.DeviceID(key[:end]), key[end], key[end+1:]
	if err := checkDeviceID(id); err != nil {
		return err
	}
	switch kind {
	case deviceRowKey:
		row, err := read[deviceRow](value)
		if err != nil {
			return err
		}
		if !slices.Contains(identity.States(), identity.State(row.State)) {
			return fmt.Errorf("there is no state %.20q", row.State)
		}
		err = v.expect(index{tree: fleetDevices}, fleetDeviceKey(identity.FleetID(row.Fleet), row.CreatedAt, id), nil)
		if indexedState(identity.State(row.State)) {
			err = errors.Join(err, v.expect(index{tree: stateDevices}, joined(row.State, string(id)), nil))
		}
		if row.Newest != nil && v.schema >= lapsed.since() && v.get(certificates, row.Newest.Serial[:]) == nil {
			err = errors.Join(err, v.expect(index{tree: lapsed}, row.Newest.Serial[:], []byte(id)))
		}
		return errors.Join(err, sized(rest, 0))
	case storyKey:
		v.indexed[index{devices, kind}]--
		return errors.Join(sized(rest, 8), sized(value, 0))
	case lineageKey:
		v.indexed[index{devices, kind}]--
		return errors.Join(sized(rest, 8), sized(value, 20))
	default:
		return errors.New("its key is of no kind that is known")
	}
}

func (v *verifier) certificateForm(key, value []byte) error {
	row, err := read[certificateRow](value)
	if err := errors.Join(err, sized(key, 20)); err != nil || row.Device == "" {
		return err
	}
	return v.expect(index{devices, lineageKey}, numberedDeviceKey(identity.DeviceID(row.Device), lineageKey, row.Number), key)
}

func segmentForm(key, value []byte) error {
	row, err := read[segmentRow](value)
	if err != nil {
		return err
	}
	s := row.segment(key)
	return checkSegment(&s)
}

// expect looks for an entry of an index and counts it.
func (v *verifier) expect(in index, key, value []byte) error {
	v.indexed[in]++
	if found := v.get(in.tree, key); found == nil || !bytes.Equal(found, value) {
		return fmt.Errorf("the tree %s does not have it at %.100x", in.tree.name(), key)
	}
	return nil
}

// there looks for the row that another belongs to.
func (v *verifier) there(t tree, key []byte) error {
	if v.get(t, key) == nil {
		return fmt.Errorf("the tree %s does not have it: %w", t.name(), enroll.ErrNotFound)
	}
	return nil
}

// end checks what can be told only when all rows were met.
func (v *verifier) end() error {
	for in, n := range v.indexed {
		if n != 0 {
			return fmt.Errorf("the tree %s has entries of what is not there", in.tree.name())
		}
	}
	return v.logEnd()
}

func read[R any](value []byte) (R, error) {
	var row R
	err := unmarshalRow(value, &row)
	return row, err
}

func readable[R any](value []byte) error {
	_, err := read[R](value)
	return err
}

func sized(octets []byte, n int) error {
	if len(octets) != n {
		return fmt.Errorf("%d octets where %d should be", len(octets), n)
	}
	return nil
}
