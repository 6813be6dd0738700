// Package strictjson refuses JSON that two readers could take for two things (RFC
// 8259, sections 4, 8 and 9; RFC 7493): encoding/json takes the last of two members
// of one name, members in any case, and characters that are none.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bounds of a text. What the API describes needs a fraction of both.
const (
	MaxDepth   = 32  // objects and arrays within each other
	MaxMembers = 128 // of one object
)

var errUTF8 = errors.New("not UTF-8 without a byte order mark (RFC 8259, section 8.1)")

// Check returns what is wrong with a text of JSON, told by its place and never by
// what it holds; nil for a text with one meaning. Names of members are a-z, 0-9 and
// _, as all of the API's are; within the member named apart, of the outermost object,
// names are left to whoever reads that. Text that is not JSON at all may pass: whoever
// decodes it says so.
func Check(text []byte, apart string) error {
	if !utf8.Valid(text) || bytes.HasPrefix(text, []byte("\ufeff")) {
		return errUTF8
	}
	c := checker{text: text, apart: apart}
	for c.at < len(text) {
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}

// checker goes through a text once.
type checker struct {
	text  []byte
	at    int
	open  []container
	apart string
}

// container is an object or an array that has not ended.
type container struct {
	object bool
	names  [][]byte
	named  bool // the next text is a member's name
	apart  bool // its names are somebody else's to judge
}

func (c *checker) step() error {
	switch c.text[c.at] {
	case '{', '[':
		if len(c.open) == MaxDepth {
			return fmt.Errorf("at byte %d more than %d objects and arrays stand within each other", c.at+1, MaxDepth)
		}
		object := c.text[c.at] == '{'
		c.open = append(c.open, container{object: object, named: object, apart: c.leads()})
	case '}', ']':
		if len(c.open) > 0 {
			c.open = c.open[:len(c.open)-1]
		}
	case ',':
		if len(c.open) > 0 {
			c.open[len(c.open)-1].named = c.open[len(c.open)-1].object
		}
	case '"':
		return c.string()
	}
	c.at++
	return nil
}

// leads reports whether what begins here lies within the member apart.
func (c *checker) leads() bool {
	if len(c.open) == 0 {
		return false
	}
	parent := &c.open[len(c.open)-1]
	last := len(parent.names) - 1
	return parent.apart || len(c.open) == 1 && c.apart != "" && last >= 0 && string(parent.names[last]) == c.apart
}

// string goes past a text, and remembers it where it is a member's name.
func (c *checker) string() error {
	began := c.at
	for c.at++; c.at < len(c.text) && c.text[c.at] != '"'; {
		if c.text[c.at] != '\\' {
			c.at++
			continue
		}
		if err := c.escape(); err != nil {
			return err
		}
	}
	c.at = min(c.at, len(c.text)) // an escape may be cut off
	text := c.text[began+1 : c.at]
	c.at++
	if len(c.open) == 0 || !c.open[len(c.open)-1].named {
		return nil
	}
	return c.open[len(c.open)-1].name(text, began+1)
}

// name takes a member's name.
func (o *container) name(name []byte, at int) error {
	o.named = false
	switch {
	case o.apart:
		return nil
	case bytes.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' }):
		return fmt.Errorf("at byte %d stands a name of a member that is not of a-z, 0-9 and _, as it is written in the API", at)
	case len(o.names) == MaxMembers:
		return fmt.Errorf("at byte %d an object has more than %d members", at, MaxMembers)
	}
	for _, other := range o.names {
		if bytes.Equal(name, other) {
			return fmt.Errorf("at byte %d a member stands in its object for the second time", at)
		}
	}
	o.names = append(o.names, name)
	return nil
}

// escape goes past an escape. Half of a surrogate pair is no character (RFC 8259,
// section 8.2).
func (c *checker) escape() error {
	unit, isUnit := c.unit()
	if !isUnit {
		c.at += 2
		return nil
	}
	began := c.at + 1
	c.at += 6
	if unit < 0xd800 || unit > 0xdfff {
		return nil
	}
	if low, ok := c.unit(); ok && unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff {
		c.at += 6
		return nil
	}
	return fmt.Errorf("at byte %d stands half of a surrogate pair", began)
}

// unit reads \uXXXX, if that is what comes.
func (c *checker) unit() (unit rune, ok bool) {
	rest := c.text[min(c.at, len(c.text)):]
	if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return 0, false
	}
	value, err := strconv.ParseUint(string(rest[2:6]), 16, 16)
	return rune(value), err == nil
}
