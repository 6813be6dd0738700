package policy

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is what a field can be: n is a duration in nanoseconds, a number, a set as
// bits, allow or true as 1; name is the profile's.
type value struct {
	n    int64
	name string
}

// Words that the kinds of value are made of.
const (
	unlimited = math.MaxInt64 // no duration or number that can be written reaches it
	anything  = -1            // a set of all there is, and of what has no bit
	noBit     = 1 << 62       // what is in no set but anything
)

// loosest returns the value that forbids nothing; of fields without order it is
// meaningless.
func (i index) loosest() value {
	switch i.order() {
	case fewer:
		return value{n: anything}
	case smaller:
		switch i {
		case grace:
			return value{n: int64(MaxGrace)}
		case approvalLifetime:
			return value{n: int64(MaxApprovalLifetime)}
		case forks:
			return value{n: 1}
		default:
			return value{n: unlimited}
		}
	case more, unordered:
	}
	return value{}
}

// byDefault returns what holds where no fleet says anything.
func (i index) byDefault() value {
	switch i {
	case grace, forks:
		return value{}
	case approvalLifetime:
		return value{n: int64(DefaultApprovalLifetime)}
	default:
		return i.loosest()
	}
}

// meet returns the loosest value that is no looser than v nor bound.
func (i index) meet(v, bound value) value {
	switch i.order() {
	case smaller:
		return value{n: min(v.n, bound.n)}
	case fewer:
		return value{n: v.n & bound.n}
	case more:
		return value{n: v.n | bound.n}
	case unordered:
	}
	return bound
}

// words lists the members that a set of the field can have, and those that a
// choice is between; none for other fields.
func (i index) words() []string {
	switch i {
	case keys:
		return asStrings(KeyKinds())
	case keyProtection:
		return asStrings(KeyProtections())
	case evidence:
		return asStrings(EvidenceKinds())
	case approval:
		return asStrings(Subjects())
	case forks:
		return asStrings(ForkRules())
	default:
		return nil
	}
}

// What a policy says of a field that is true or false: where none says anything, the
// profile decides, and that is neither.
const (
	saidNothing = 0
	saidYes     = 1
	saidNo      = 2
)

// text returns v for people to read.
func (i index) text(v value) string {
	switch i {
	case profile:
		if v.name == "" {
			return "the order's"
		}
		return v.name
	case lifetime, renewalWindow, grace, approvalLifetime:
		if v.n != unlimited {
			return Duration(v.n).String()
		}
		if i == lifetime {
			return "the profile's"
		}
		return "any time"
	case approvalOver:
		if v.n == unlimited {
			return "any number"
		}
		return strconv.FormatInt(v.n, 10)
	case forks:
		return i.words()[v.n]
	case ownerInCertificate:
		if v.n == saidNothing {
			return "the profile's"
		}
		return strconv.FormatBool(v.n == saidYes)
	default:
		if v.n == anything {
			return "any"
		}
		if v.n == 0 {
			return "none"
		}
		return strings.Join(members(v.n, i.words()), ", ")
	}
}

// json returns v as it stands in a Config, and null for what cannot be written
// there because it limits nothing.
func (i index) json(v value) json.RawMessage {
	switch {
	case i == profile && v.name == "", i == ownerInCertificate && v.n == saidNothing, i.order() == smaller && v.n == unlimited, i.order() == fewer && v.n == anything:
		return json.RawMessage("null")
	case i == approvalOver, i == ownerInCertificate:
		return json.RawMessage(i.text(v))
	case i.order() == fewer, i.order() == more:
		return encoded(members(v.n, i.words()))
	default:
		return encoded(i.text(v))
	}
}

// encoded writes what always can be: text and lists of text.
func encoded[T string | []string](v T) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("policy: text that cannot be JSON: " + err.Error())
	}
	return text
}

// members returns those of all whose bits are set, in the order of all.
func members[T ~string](bits int64, all []T) []T {
	found := []T{}
	for at, word := range all {
		if bits&(1<<at) != 0 {
			found = append(found, word)
		}
	}
	return found
}

// bit returns the bit of word in sets of all, and noBit for a stranger.
func bit[T ~string](word T, all []T) int64 {
	if at := slices.Index(all, word); at >= 0 {
		return 1 << at
	}
	return noBit
}

func asStrings[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for at, word := range list {
		texts[at] = string(word)
	}
	return texts
}

// duration returns a value's duration.
func (v value) duration() time.Duration { return time.Duration(v.n) }
