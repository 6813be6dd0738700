package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest/strictjson"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func TestCheck(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	members := func(n int) string {
		var text strings.Builder
		for i := range n {
			text.WriteString(strings.Repeat("a", i+1) + `":1,"`)
		}
		return `{"` + strings.TrimSuffix(text.String(), `,"`) + `}`
	}
	for name, c := range map[string]struct{ text, word string }{
		"an object":                    {`{"a": 1, "b_2": [{"a": "A"}, {"a": "a"}], "c": {"a": {}}}`, ""},
		"no JSON":                      {`{"a": "\`, ""},
		"a cut surrogate":              {`{"a": "\ud83d\ud`, "byte 8"},
		"member twice":                 {`{"a": 1, "a": 1}`, "byte 10"},
		"member twice, after another":  {`{"a": {"a": 1}, "b": 2, "a": 1}`, "second time"},
		"member in a list twice":       {`[{"a": 1}, {"b": 1, "b": 2}]`, "second time"},
		"names left to others":         {`{"policy": {"A": 1, "A": [{"B": 1, "B": 2}]}, "b": 1}`, ""},
		"names after those":            {`{"policy": {"A": 1}, "B": 1}`, "a-z"},
		"names in another's policy":    {`{"b": {"policy": {"A": 1}}}`, "a-z"},
		"a policy twice":               {`{"policy": {}, "policy": {}}`, "second time"},
		"surrogates left to nobody":    {`{"policy": {"a": "\ud83d"}}`, "surrogate"},
		"values alike":                 {`{"a": "b", "b": "a", "c": ["a", "a"]}`, ""},
		"member in capitals":           {`{"Fleet": "/"}`, "a-z"},
		"a letter that folds to s":     {`{"\u017ferials": []}`, "a-z"},
		"the long s itself":            {`{"ſerials": []}`, "a-z"},
		"a name with an escape":        {`{"\u0061": 1, "a": 1}`, "a-z"},
		"an empty name":                {`{"": 1}`, ""},
		"not UTF-8":                    {"{\"a\": \"\xff\"}", "UTF-8"},
		"an overlong slash":            {"{\"a\": \"\xc0\xaf\"}", "UTF-8"},
		"an encoded surrogate":         {"{\"a\": \"\xed\xa0\x80\"}", "UTF-8"},
		"a byte order mark":            {"\ufeff{}", "UTF-8"},
		"UTF-16":                       {"\xff\xfe{\x00}\x00", "UTF-8"},
		"an emoji":                     {`{"a": "😀 \ud83d\ude00 \uD83D\uDE00"}`, ""},
		"a high surrogate alone":       {`{"a": "\ud83d"}`, "surrogate"},
		"a high surrogate, other text": {`{"a": "\ud83dA"}`, "surrogate"},
		"a low surrogate alone":        {`{"a": "\ude00"}`, "surrogate"},
		"surrogates the other way":     {`{"a": "\ude00\ud83d"}`, "surrogate"},
		"an escaped backslash":         {`{"a": "\\ud83d"}`, ""},
		"as deep as may be":            {nested(strictjson.MaxDepth), ""},
		"too deep":                     {nested(strictjson.MaxDepth + 1), "within each other"},
		"brackets in text":             {`"` + nested(100) + `"`, ""},
		"as many members as may be":    {members(strictjson.MaxMembers), ""},
		"too many members":             {members(strictjson.MaxMembers + 1), "members"},
	} {
		t.Run(name, func(t *testing.T) {
			err := strictjson.Check([]byte(c.text), "policy")
			switch {
			case c.word == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.word != "" && (err == nil || !strings.Contains(err.Error(), c.word)):
				t.Errorf("%v; want %q", err, c.word)
			}
		})
	}
}

// What passes and is JSON is read by encoding/json as a reader would that goes by
// the names as they stand, and written again.
func FuzzCheck(f *testing.F) {
	for _, seed := range payload.JSON() {
		if len(seed.Bytes) < 64<<10 {
			f.Add(seed.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strictjson.Check(text, "") != nil || !json.Valid(text) {
			return
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return // a number beyond what a float holds
		}
		if strings.ContainsRune(textsOf(value), '�') && !strings.Contains(strings.ToLower(string(text)), `\ufffd`) && !strings.ContainsRune(string(text), '�') {
			t.Errorf("%q has characters that are none", text)
		}
		if written, read := colons(text), membersOf(value); written != read {
			t.Errorf("of %d members of %q %d were read", written, text, read)
		}
		again, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictjson.Check(again, ""); err != nil {
			t.Errorf("%q became %q: %v", text, again, err)
		}
	})
}

// textsOf joins all texts of a value.
func textsOf(value any) string {
	var all strings.Builder
	switch value := value.(type) {
	case string:
		all.WriteString(value)
	case []any:
		for _, item := range value {
			all.WriteString(textsOf(item))
		}
	case map[string]any:
		for name, member := range value {
			all.WriteString(name + textsOf(member))
		}
	}
	return all.String()
}

// colons counts the colons outside of texts: one for each member.
func colons(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case quoted && text[i] == '\\':
			i++
		case !quoted && text[i] == ':':
			n++
		}
	}
	return n
}

// membersOf counts members.
func membersOf(value any) (n int) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			n += membersOf(item)
		}
	case map[string]any:
		for _, member := range value {
			n += 1 + membersOf(member)
		}
	}
	return n
}
