package postgres

import (
	"strings"

	"github.com/touchmark/touchmark/enroll"
)

// sqlModels finds the models of devices from an id on, leaping from one to the
// next: ids of one model are neighbours, for no model holds a hyphen, and what
// follows it ('.') is the next octet.
const sqlModels = `
WITH RECURSIVE found (model) AS (
	(SELECT split_part(id, '-', 1) FROM devices WHERE id >= $1 ORDER BY id LIMIT 1)
	UNION ALL
	SELECT (SELECT split_part(id, '-', 1) FROM devices WHERE id >= found.model || '.' ORDER BY id LIMIT 1) FROM found WHERE found.model IS NOT NULL
)
SELECT model FROM found WHERE model IS NOT NULL LIMIT $2`

// maxModels bounds how many models one part of a search by serial number looks
// through.
const maxModels = 1000

// devicesByID walks the ranges of ids that the filter's model and prefix allow.
func (r reader) devicesByID(f *enroll.DeviceFilter) (none enroll.List[enroll.Device], err error) {
	at, err := textPosition(devicesByID, f.After)
	filter := deviceFilter(f)
	if err != nil || filter == nil {
		return none, err
	}
	var more string // where to go on when all that is known was looked at
	var ranges []idRange
	switch {
	case f.Model != "":
		ranges = rangesOf(string(f.Model), f.Query)
	case f.Query == "":
		ranges = []idRange{{"", lastID}}
	default:
		if ranges, more, err = r.rangesOfModels(at, f.Query); err != nil {
			return none, err
		}
	}
	var firsts, beyonds []string
	for _, x := range ranges {
		if first := max(x.first, after(at)); first < x.beyond {
			firsts, beyonds = append(firsts, first), append(beyonds, x.beyond)
		}
	}
	part, err := list(r, f.Page, walk[enroll.Device]{
		kind: devicesByID, sql: sqlListDevices, args: append(filter, firsts, beyonds),
		beyond: sqlBeyondDevices, beyondFrom: filterArguments, read: byID, readBeyond: beyondID,
	})
	if err == nil && part.Next == "" && more != "" {
		part.Next = newCursor(devicesByID, []byte(more))
	}
	return part, err
}

// after returns what the next id is not below. '-' is the lowest octet of an id,
// so that the next one begins with at and goes on, or is above.
func after(at string) string {
	if at == "" {
		return ""
	}
	return at + "-"
}

// idRange is the ids from first to below beyond.
type idRange struct{ first, beyond string }

// prefixed is the range of ids with a prefix.
func prefixed(prefix string) idRange {
	if prefix == "" {
		return idRange{"", lastID}
	}
	end := []byte(prefix)
	end[len(end)-1]++ // prefixes that could begin an id are ASCII
	return idRange{prefix, string(end)}
}

// rangesOf returns the ranges, in order, of ids of the model whose whole, or
// whose serial number, begins with prefix.
func rangesOf(model, prefix string) []idRange {
	whole := model + "-"
	switch {
	case strings.HasPrefix(whole, prefix):
		return []idRange{prefixed(whole)}
	case !strings.HasPrefix(prefix, whole):
		return []idRange{prefixed(whole + prefix)}
	case strings.HasPrefix(whole+prefix, prefix):
		return []idRange{prefixed(prefix)} // in which the other one lies
	case prefix < whole+prefix:
		return []idRange{prefixed(prefix), prefixed(whole + prefix)}
	default:
		return []idRange{prefixed(whole + prefix), prefixed(prefix)}
	}
}

// rangesOfModels returns the ranges of all models from an id on that begin with
// prefix, or whose serial numbers do. more is where to go on where there are too
// many.
func (r reader) rangesOfModels(at, prefix string) (ranges []idRange, more string, err error) {
	model, _, _ := strings.Cut(at, "-")
	var models []string
	err = r.ask(query{sqlModels, []any{model, maxModels}, func(c *columns) error {
		models = append(models, c.text())
		return nil
	}})
	for _, model := range models {
		ranges = append(ranges, rangesOf(model, prefix)...)
	}
	if len(models) == maxModels {
		more = models[maxModels-1] + "-" + lastID
	}
	return ranges, more, err
}
