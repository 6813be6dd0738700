package bolt

import (
	"bytes"
	"iter"
	"strings"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Devices walks the one index that narrows most and looks at the rest of the
// filter row by row. Where fleets are asked for nothing outside them is looked at:
// whoever may see one branch of a large installation does not pay for the rest of
// it.
func (r *reader) Devices(f enroll.DeviceFilter) (enroll.List[enroll.Device], error) {
	kind := deviceWalk(&f)
	at, err := position(kind, f.After)
	if err != nil {
		return enroll.List[enroll.Device]{}, err
	}
	m := matcher{&f}
	device := found(r.committed().Device)
	pick := func(id identity.DeviceID) (enroll.Device, bool, error) {
		if id == "" || !m.name(id) {
			return enroll.Device{}, false, nil
		}
		d, ok, err := device(id)
		return d, ok && m.device(&d), err
	}
	switch kind {
	case devicesByState:
		return collect(kind, f.Page, r.deviceIDs(stateDevices, joined(string(f.State), ""), &f, at), pick)
	case devicesByFleet:
		return collect(kind, f.Page, renamed(r.inFleets(fleetDevices, f.Fleets, at), fleetDevice), func(id identity.DeviceID) (enroll.Device, bool, error) {
			if id == "" || !r.mayBe(f.State, id) {
				return enroll.Device{}, false, nil
			}
			return pick(id)
		})
	case devicesByExpiry:
		walk := merged(r.byExpiry(certificates, time.Time{}, f.ExpiringBefore, at), r.byExpiry(lapsed, time.Time{}, f.ExpiringBefore, at))
		return collect(kind, f.Page, walk, func(serial ca.Serial) (enroll.Device, bool, error) {
			id, err := r.committed().holder(serial)
			if err != nil || id == "" {
				return enroll.Device{}, false, err
			}
			d, ok, err := pick(id)
			return d, ok && d.Newest != nil && d.Newest.Serial == serial, err // each device once
		})
	default:
		return collect(kind, f.Page, r.deviceIDs(devices, nil, &f, at), pick)
	}
}

// mayBe tells, before its row is read, whether a device can be in a state; any
// can be in the empty one.
func (r *reader) mayBe(s identity.State, id identity.DeviceID) bool {
	return !indexedState(s) || r.bucket(stateDevices).Get(joined(string(s), string(id))) != nil
}

// deviceWalk chooses the walk: fleets bound it, a rare state or a name leads to few
// rows, expiry to more.
func deviceWalk(f *enroll.DeviceFilter) listKind {
	switch {
	case f.Fleets != nil:
		return devicesByFleet
	case indexedState(f.State):
		return devicesByState
	case f.Query != "":
		return devicesByID
	case !f.ExpiringBefore.IsZero():
		return devicesByExpiry
	default:
		return devicesByID
	}
}

// fleetDevice takes the device's id out of a key of the index by fleet.
func fleetDevice(_, key []byte) identity.DeviceID {
	if key == nil {
		return ""
	}
	return identity.DeviceID(key[bytes.IndexByte(key, separator)+1+8:])
}

// deviceIDs walks the ids in one tree, below one prefix, that the filter's model
// and query allow, leaping from one range of them to the next. An id that it
// meets and does not take counts as looked at too, as the empty one.
func (r *reader) deviceIDs(t tree, prefix []byte, f *enroll.DeviceFilter, at []byte) iter.Seq2[[]byte, identity.DeviceID] {
	return func(yield func([]byte, identity.DeviceID) bool) {
		from := ""
		if at != nil {
			from = string(at) + string(afterDevice)
		}
		for c := r.bucket(t).Cursor(); ; {
			key, _ := c.Seek(append(bytes.Clone(prefix), from...))
			if key == nil || !bytes.HasPrefix(key, prefix) {
				return
			}
			id, kind := splitDeviceKey(key[len(prefix):])
			allowed, ok := allowedFrom(f.Model, f.Query, id)
			if !ok {
				return
			}
			taken := identity.DeviceID("")
			if kind == deviceRowKey && allowed == id {
				taken = identity.DeviceID(id)
			}
			if !yield([]byte(id), taken) {
				return
			}
			from = max(allowed, id+string(afterDevice))
		}
	}
}

// splitDeviceKey splits a key of the tree of devices into the id and what stands
// beside it; a bare id counts as the row's key.
func splitDeviceKey(key []byte) (id string, kind byte) {
	i := bytes.IndexFunc(key, func(c rune) bool { return c < rune(lowestInID) })
	if i < 0 {
		return string(key), deviceRowKey
	}
	return string(key[:i]), key[i]
}

// allowedFrom returns the lowest string, from id upwards, that can begin an id
// of the model (any, if it is empty) whose whole, or whose serial number, begins
// with query. Ids of one model are neighbours: '-' is the lowest octet of an id.
func allowedFrom(model identity.Model, query, id string) (string, bool) {
	of := model
	if model == "" {
		of = identity.DeviceID(id).Model()
	}
	whole := string(of) + "-"
	prefixes := []string{whole + query}
	switch {
	case strings.HasPrefix(whole, query):
		prefixes[0] = whole
	case strings.HasPrefix(query, whole) && query < prefixes[0]:
		prefixes = []string{query, prefixes[0]}
	case strings.HasPrefix(query, whole):
		prefixes = append(prefixes, query)
	}
	for _, p := range prefixes {
		if strings.HasPrefix(id, p) {
			return id, true
		}
		if id < p {
			return p, true
		}
	}
	if model != "" {
		return "", false
	}
	return string(of) + string(lowestInID+1), true // the next model
}

// matcher holds a device against a filter, but for its fleets, which the walk keeps
// to.
type matcher struct{ filter *enroll.DeviceFilter }

// name tells whether the id can match, before its row is read.
func (m matcher) name(id identity.DeviceID) bool {
	f := m.filter
	return (f.Model == "" || id.Model() == f.Model) &&
		(strings.HasPrefix(string(id), f.Query) || strings.HasPrefix(string(id.SerialNumber()), f.Query))
}

func (m matcher) device(d *enroll.Device) bool {
	f := m.filter
	switch {
	case f.State != "" && d.State != f.State:
		return false
	case f.ExpiringBefore.IsZero():
		return true
	default:
		return d.Newest != nil && d.Newest.NotAfter().Before(f.ExpiringBefore)
	}
}
