package postgres

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const (
	// deviceMatches is the filter, row by row, but for fleets, which a walk keeps to:
	// state, expiry of the newest certificate, model with its hyphen, and prefix.
	deviceMatches = ` AS d
WHERE ($1::text = '' OR state = $1)
	AND ($2::bytea IS NULL OR substring(newest FROM 1 FOR 20) < $2)
	AND starts_with(id, $3) AND (starts_with(id, $4) OR starts_with(substr(id, strpos(id, '-') + 1), $4))
LIMIT `

	// By id, within ranges; they come in the order of the arrays, for a nested loop
	// keeps it.
	rangesOfDevices = ` AS r (first, beyond) CROSS JOIN LATERAL (
	SELECT * FROM devices AS w WHERE w.id >= r.first AND w.id < r.beyond ORDER BY w.id LIMIT ` + maxLooked + `) AS w`
	sqlListDevices = `
SELECT ` + deviceColumns + ` FROM (SELECT w.* FROM unnest($5::text[], $6::text[])` + rangesOfDevices + ` LIMIT ` + maxLooked + `)` + deviceMatches + `$7`
	sqlBeyondDevices = `SELECT w.id FROM unnest($1::text[], $2::text[])` + rangesOfDevices + toLastLooked

	stateOfDevices      = `FROM devices WHERE rare_state = $5 AND id > $6 ORDER BY id`
	sqlListStateDevices = `
SELECT ` + deviceColumns + ` FROM (SELECT * ` + stateOfDevices + ` LIMIT ` + maxLooked + `)` + deviceMatches + `$7`
	sqlBeyondStateDevices = `SELECT id FROM devices WHERE rare_state = $1 AND id > $2 ORDER BY id` + toLastLooked

	fleetsOfDevices = ` AS f (id, created, after) CROSS JOIN LATERAL (
	SELECT * FROM devices AS w WHERE w.fleet = f.id AND (w.created_at, w.id) > (f.created, f.after) ORDER BY w.created_at, w.id LIMIT ` + maxLooked + `) AS w`
	sqlListFleetDevices = `
SELECT ` + deviceColumns + ` FROM (SELECT w.* FROM unnest($5::text[], $6::timestamptz[], $7::text[])` + fleetsOfDevices + ` LIMIT ` + maxLooked + `)` + deviceMatches + `$8`
	sqlBeyondFleetDevices = `
SELECT w.fleet, w.created_at, w.id FROM unnest($1::text[], $2::timestamptz[], $3::text[])` + fleetsOfDevices + toLastLooked

	// By expiry: a device comes with its newest certificate, or where that has left,
	// by itself.
	expiringFrom     = ` FROM ((SELECT serial, device, false AS gone FROM certificates WHERE serial > `
	expiringOrLapsed = ` ORDER BY serial LIMIT ` + maxLooked + `)
	UNION ALL (SELECT lapsed, id, true FROM devices WHERE lapsed > `
	expiringEnd            = ` ORDER BY lapsed LIMIT ` + maxLooked + `) ORDER BY serial LIMIT ` + maxLooked + `) AS c`
	sqlListExpiringDevices = `
SELECT ` + deviceColumns + ` FROM (
	SELECT w.*` + expiringFrom + `$5 AND serial < $6` + expiringOrLapsed + `$5 AND lapsed < $6` + expiringEnd + `
	JOIN devices AS w ON w.id = c.device AND substring(w.newest FROM 1 FOR 20) = c.serial AND (w.lapsed IS NOT NULL) = c.gone
	ORDER BY c.serial)` + deviceMatches + `$7`
	sqlBeyondExpiringDevices = `
SELECT serial` + expiringFrom + `$1 AND serial < $2` + expiringOrLapsed + `$1 AND lapsed < $2` + expiringEnd + ` ORDER BY serial` + toLastLooked
)

// filterArguments is how many arguments deviceMatches takes, without the limit.
const filterArguments = 4

// Devices walks the one index that narrows most and looks at the rest of the
// filter row by row: a rare state or a name leads to few rows, expiry to more. Where
// fleets are asked for nothing outside them is looked at: whoever may see one branch
// of a large installation does not pay for the rest of it.
func (r reader) Devices(f enroll.DeviceFilter) (enroll.List[enroll.Device], error) {
	part, err := r.devices(&f)
	if err != nil {
		return part, err
	}
	return part, r.foreseeNewest(part.Items)
}

// foreseeNewest looks the newest certificates of devices up in one round trip:
// whoever lists devices in a View asks for each of them next.
func (r reader) foreseeNewest(devices []enroll.Device) error {
	if _, viewing := r.source.(*view); !viewing {
		return nil
	}
	var newest []key
	for _, d := range devices {
		if d.Newest != nil {
			newest = append(newest, serialKey(d.Newest.Serial))
		}
	}
	if newest == nil {
		return nil
	}
	_, err := r.rows(newest...)
	return err
}

func (r reader) devices(f *enroll.DeviceFilter) (enroll.List[enroll.Device], error) {
	switch {
	case f.Fleets != nil:
		return r.devicesByFleet(f)
	case f.State == identity.Held || f.State == identity.Revoked || f.State == identity.Retired:
		return r.devicesByState(f)
	case f.Query != "":
		return r.devicesByID(f)
	case !f.ExpiringBefore.IsZero():
		return r.devicesByExpiry(f)
	default:
		return r.devicesByID(f)
	}
}

// deviceFilter returns the arguments of deviceMatches; none where nothing can
// match.
func deviceFilter(f *enroll.DeviceFilter) []any {
	for _, text := range []string{string(f.State), string(f.Model), f.Query} {
		if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			return nil // as no id is
		}
	}
	model := ""
	if f.Model != "" {
		model = string(f.Model) + "-"
	}
	return []any{string(f.State), notBefore(f.ExpiringBefore), model, f.Query}
}

func byID(c *columns) (enroll.Device, []byte) {
	id, d, _ := readDevice(c)
	return d, []byte(id)
}

func beyondID(c *columns) []byte { return []byte(c.text()) }

func (r reader) devicesByState(f *enroll.DeviceFilter) (none enroll.List[enroll.Device], err error) {
	at, err := textPosition(devicesByState, f.After)
	filter := deviceFilter(f)
	if err != nil || filter == nil {
		return none, err
	}
	return list(r, f.Page, walk[enroll.Device]{
		kind: devicesByState, sql: sqlListStateDevices, args: append(filter, string(f.State), at),
		beyond: sqlBeyondStateDevices, beyondFrom: filterArguments, read: byID, readBeyond: beyondID,
	})
}

func (r reader) devicesByExpiry(f *enroll.DeviceFilter) (none enroll.List[enroll.Device], err error) {
	at, err := position(devicesByExpiry, f.After)
	filter := deviceFilter(f)
	if err != nil || filter == nil {
		return none, err
	}
	return list(r, f.Page, walk[enroll.Device]{
		kind: devicesByExpiry, sql: sqlListExpiringDevices, args: append(filter, append([]byte{}, at...), notBefore(f.ExpiringBefore)),
		beyond: sqlBeyondExpiringDevices, beyondFrom: filterArguments,
		read: func(c *columns) (enroll.Device, []byte) {
			_, d, _ := readDevice(c)
			return d, d.Newest.Serial[:]
		},
		readBeyond: func(c *columns) []byte { return append([]byte{}, c.next()...) },
	})
}

func (r reader) devicesByFleet(f *enroll.DeviceFilter) (none enroll.List[enroll.Device], err error) {
	at, err := position(devicesByFleet, f.After)
	if err != nil {
		return none, err
	}
	fleet, created, id, err := parseFleetPosition(at)
	if err != nil {
		return none, err
	}
	filter, fleets := deviceFilter(f), fleetsFrom(f.Fleets, fleet)
	if filter == nil || len(fleets) == 0 {
		return none, nil
	}
	createds, after := make([]pgtype.Timestamptz, len(fleets)), make([]string, len(fleets))
	for i := range createds {
		createds[i] = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	if fleets[0] == fleet {
		createds[0], after[0] = pgtype.Timestamptz{Time: created, Valid: true}, id
	}
	return list(r, f.Page, walk[enroll.Device]{
		kind: devicesByFleet, sql: sqlListFleetDevices, args: append(filter, fleets, createds, after),
		beyond: sqlBeyondFleetDevices, beyondFrom: filterArguments,
		read: func(c *columns) (enroll.Device, []byte) {
			_, d, _ := readDevice(c)
			return d, fleetPosition(string(d.Fleet), d.CreatedAt, string(d.ID))
		},
		readBeyond: func(c *columns) []byte { return fleetPosition(c.text(), c.time(), c.text()) },
	})
}

// fleetPosition is a place in the order of fleets, times of creation and ids.
func fleetPosition(fleet string, created time.Time, id string) []byte {
	at := binary.BigEndian.AppendUint64([]byte(joined(fleet, "")), uint64(created.UnixMicro()))
	return append(at, id...)
}

func parseFleetPosition(at []byte) (fleet string, created time.Time, id string, err error) {
	if at == nil {
		return "", created, "", nil
	}
	fleet, rest, _ := strings.Cut(string(at), separator)
	if len(rest) < 8 {
		return "", created, "", malformedCursor()
	}
	created = micros(time.UnixMicro(int64(binary.BigEndian.Uint64([]byte(rest[:8])))))
	if id = rest[8:]; !storable(fleet) || !storable(id) || created.Year() < 1 || created.Year() > 9999 {
		return "", created, "", malformedCursor()
	}
	return fleet, created, id, nil
}
