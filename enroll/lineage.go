package enroll

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// Power that a device is given, by a grant or by its name among an order's stations, is
// for the lineage that it has then: whoever has it enrolled anew, with a key of their
// own, does not come to hold it. A lineage is named by the serial number of its first
// certificate.

// lineage names the device's present lineage; empty before it is enrolled.
func (d *Device) lineage() string {
	if d.Enrolment == nil {
		return ""
	}
	return d.Enrolment.Serial.String()
}

// empowered returns the lineage of a device that is to be given power. It must be
// enrolled, and one that the principal may read.
func (a *access) empowered(r Reader, id identity.DeviceID, field string) (string, error) {
	d, at, err := a.deviceAt(r, id)
	if ifAny(err) != nil {
		return "", err
	}
	known := err == nil && a.deviceGrant(identity.DeviceRead, &d, at) != ""
	if !known || d.lineage() == "" || d.State != identity.Active && d.State != identity.Held {
		return "", RefuseField(field, "device:%s is no enrolled device that you may read; what it is given is for the enrolment that it has then, so enrol it first", id)
	}
	return d.lineage(), nil
}

// isFor reports whether what was given to a device is for the lineage that it shows
// itself by. What was given before lineages were noted is, if that began before.
func (s *Service) isFor(r Reader, p identity.Principal, lineage string, given time.Time) (bool, error) {
	if lineage != "" {
		return lineage == p.Lineage, nil
	}
	first, err := ca.ParseSerial(p.Lineage)
	if err != nil {
		return false, nil
	}
	c, err := r.Certificate(first)
	if err != nil { // it has gone to the archive: nothing tells when that was
		return false, ifAny(err)
	}
	backdate := ca.MaxBackdate
	if profile, ok := s.live().profiles[c.Profile]; ok {
		backdate = profile.Backdate()
	}
	return c.NotBefore.Add(backdate + time.Second).Before(given), nil // it begins in whole seconds
}

// keepToLineage has what was given to other lineages of a device give it nothing.
func (s *Service) keepToLineage(r Reader, a *access) error {
	held := slices.Clone(a.held)
	for i := range held {
		ours, err := s.isFor(r, a.who, held[i].lineage, held[i].given)
		if err != nil {
			return err
		}
		held[i].superseded = !ours
	}
	a.held = held
	return nil
}

// An order notes the lineage of a device among its stations behind a "#", which no id
// of a device has.

// stationOf is what an order notes of a station.
func stationOf(id, lineage string) string {
	if lineage == "" {
		return id
	}
	return id + "#" + lineage
}

// isDevice reports whether a station, as named or as noted, is a device, and which.
func isDevice(station string) (id identity.DeviceID, lineage string, ok bool) {
	rest, ok := strings.CutPrefix(station, string(identity.Certificate)+":")
	name, lineage, _ := strings.Cut(rest, "#")
	return identity.DeviceID(name), lineage, ok
}

// stationID is the id of the principal that an order notes as a station.
func stationID(station string) string {
	if id, _, ok := isDevice(station); ok {
		return identity.Principal{Kind: identity.Certificate, Device: id}.ID()
	}
	return station
}

// StationIDs are the ids of the principals that may vouch for the order's devices. A
// device is one of its stations for the lineage alone that it had when it was named.
func (o *Order) StationIDs() []string {
	ids := make([]string, 0, len(o.Stations))
	for _, station := range o.Stations {
		ids = append(ids, stationID(station))
	}
	return ids
}

// tellStations names an order's stations for events.
func (s *Service) tellStations(o *Order) (told []string) {
	for _, id := range o.StationIDs() {
		told = append(told, s.people.named(id))
	}
	return told
}

// station returns what an order notes of one of its stations; empty for none.
func station(noted []string, id string) string {
	at := slices.IndexFunc(noted, func(s string) bool { return stationID(s) == id })
	if at < 0 {
		return ""
	}
	return noted[at]
}

// nameStations returns what an order is to note of its stations. Naming one that was not named
// before takes the power to let devices in: one that shows a certificate needs nothing
// else. A device that is named again is named as it is now by whoever has that power;
// with others it stays as it was.
func (a *access) nameStations(r Reader, was, ids []string, at *place) ([]string, error) {
	var noted []string
	may := a.may(identity.TicketDraw, at)
	for _, id := range ids {
		before := station(was, id)
		if before == "" && !may {
			return nil, Refuse(Forbidden, "a station lets devices in, so naming one takes %s there", identity.TicketDraw).in(at)
		}
		now := id
		if device, _, ok := isDevice(id); ok {
			lineage, err := a.empowered(r, device, "stations")
			var refusal *Refusal
			switch {
			case before != "" && (!may || errors.As(err, &refusal)):
				now = before
			case err != nil:
				return nil, err
			default:
				now = stationOf(id, lineage)
			}
		}
		noted = append(noted, now)
	}
	return noted, nil
}

// isStation reports whether the principal is one of an order's stations.
func (s *Service) isStation(r Reader, a *access, order *Order) (bool, error) {
	noted := station(order.Stations, a.who.ID())
	if noted == "" || a.who.Kind != identity.Certificate {
		return noted != "", nil
	}
	_, lineage, _ := isDevice(noted)
	return s.isFor(r, a.who, lineage, order.CreatedAt)
}

// grantsOf counts the grants that stand for a device as it is enrolled now.
func grantsOf(r Reader, a *access, d *Device) (n int, err error) {
	id := identity.Principal{Kind: identity.Certificate, Device: d.ID}.ID()
	err = eachDocument(r, GrantOfDocument, granteeKey(id)+"/", func(g Grant) error {
		if (g.Until.IsZero() || a.now.Before(g.Until)) && (g.Lineage == "" || g.Lineage == d.lineage()) {
			n++
		}
		return nil
	})
	return n, err
}
