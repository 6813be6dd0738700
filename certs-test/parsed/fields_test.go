package parsed_test

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// kind is a kind of artefact.
type kind string

const (
	certificate kind = "certificate"
	crl         kind = "crl"
	ocspAnswer  kind = "ocsp"
	certsOnly   kind = "certsonly" // RFC 5652, as EST sends them
	request     kind = "request"   // PKCS#10
)

// fields are what a reader read, by their names, as text that is the same whoever
// read it: times in RFC 3339, numbers and identifiers in hexadecimal, algorithms as
// OIDs, lists sorted and with a blank between. What is not there is not in it.
type fields map[string]string

// A reader is a program that reads artefacts.
type reader struct {
	name string
	// read reads files of DER, all at once.
	read func(t *testing.T, artefacts []artefact) []fields
	// blind are the fields that it does not tell.
	blind map[kind][]string
}

// pattern finds a field in what a program prints, as often as it is there.
type pattern struct {
	field, find string
	as          func(found []string) string
}

// parse reads fields out of a text.
func parse(t *testing.T, text string, patterns []pattern) fields {
	t.Helper()
	all := map[string][]string{}
	for _, p := range patterns {
		for _, found := range regexp.MustCompile(p.find).FindAllStringSubmatch(text, -1) {
			value := p.as(found)
			switch {
			case value == "":
			case isWhole(p.field):
				all[p.field] = append(all[p.field], value)
			default:
				all[p.field] = append(all[p.field], strings.Fields(value)...)
			}
		}
	}
	read := fields{}
	for field, values := range all {
		slices.Sort(values)
		read[field] = strings.Join(values, " ")
	}
	return read
}

// isWhole tells whether a field is no list, whatever blanks it has.
func isWhole(field string) bool { return field == "issuer" || field == "subject" || field == "key" }

// plain is what was found, as it is.
func plain(found []string) string { return strings.TrimSpace(found[1]) }

// yes says that something was found.
func yes([]string) string { return "yes" }

// hexadecimal takes what parts octets away.
func hexadecimal(found []string) string {
	return strings.ToLower(strings.NewReplacer(":", "", " ", "", "\n", "", "\t", "").Replace(found[1]))
}

// name sorts the attributes of a name (RFC 4514).
func name(found []string) string {
	parts := strings.Split(strings.Trim(found[1], `"`), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// moment reads the time in the i-th group.
func moment(text string) string {
	for _, layout := range []string{"Jan _2 15:04:05 2006 MST", "Mon Jan _2 15:04:05 MST 2006", "Mon Jan _2 15:04:05 2006"} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at.UTC().Format(time.RFC3339)
		}
	}
	return "no time: " + text
}

func at(found []string) string { return moment(found[1]) }

// words looks words up, told apart by their letters and digits alone; they are
// parted by commas or lines.
func words(known map[string]string) func(found []string) string {
	return func(found []string) string {
		var all []string
		for _, word := range strings.FieldsFunc(found[1], func(r rune) bool { return r == ',' || r == '\n' }) {
			if letters := onlyLetters(word); letters == "" {
				continue
			} else if standard, ok := known[letters]; ok {
				all = append(all, standard)
			} else {
				all = append(all, "unknown:"+letters)
			}
		}
		return strings.Join(all, " ")
	}
}

func onlyLetters(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(text))
}

// addresses writes IP addresses as Java does, without shortening.
func addresses(found []string) string {
	address, err := netip.ParseAddr(found[1])
	if err != nil {
		return "no address: " + found[1]
	}
	if address.Is4() {
		return "IP:" + address.String()
	}
	groups := strings.Split(address.StringExpanded(), ":")
	for i := range groups {
		if groups[i] = strings.TrimLeft(groups[i], "0"); groups[i] == "" {
			groups[i] = "0"
		}
	}
	return "IP:" + strings.Join(groups, ":")
}

// prefixed is what was found, after a prefix.
func prefixed(prefix string) func(found []string) string {
	return func(found []string) string { return prefix + found[1] }
}

// names of all fields that some reader read of an artefact, sorted.
func fieldNames(all []fields) []string {
	names := map[string]bool{}
	for _, read := range all {
		for field := range read {
			names[field] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
