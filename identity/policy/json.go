package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// MaxJSON bounds a policy as it is written down, in bytes.
const MaxJSON = 16 << 10

// Parse reads a policy from JSON and checks it as [New] does. What is too large, is
// no JSON object, or has a member that is unknown, there twice or of the wrong type
// is a fault too; all are reported at once, as [Faults].
func Parse(text []byte) (Policy, error) {
	c, faults := read(text)
	p, wrong := Review(c)
	if err := append(faults, wrong...).asError(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// MarshalJSON writes the policy's Config: the same text for the same policy.
func (p Policy) MarshalJSON() ([]byte, error) { return json.Marshal(p.Config()) }

// UnmarshalJSON is [Parse], but leaves p as it is for null.
func (p *Policy) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	parsed, err := Parse(text)
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// UnmarshalJSON is as strict as [Parse], but leaves to [New] what is in the members.
// It leaves c as it is for null.
func (c *Config) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	read, faults := read(text)
	if err := faults.asError(); err != nil {
		return err
	}
	*c = read
	return nil
}

// read reads the members that it can, and faults the others. It goes by tokens, for
// json.Unmarshal takes members in any case, the last of those that are there twice,
// and nothing after the first that is wrong.
func read(text []byte) (c Config, faults Faults) {
	if len(text) > MaxJSON {
		faults.add("", "has %d bytes; use at most %d", len(text), MaxJSON)
		return c, faults
	}
	in := json.NewDecoder(bytes.NewReader(text))
	if token, err := in.Token(); err != nil || token != json.Delim('{') {
		faults.add("", "is no JSON object; write for example {\"lifetime\": \"24h\"}")
		return c, faults
	}
	var seen []string
	for in.More() {
		var member json.RawMessage
		token, err := in.Token()
		if err == nil {
			err = in.Decode(&member)
		}
		if err != nil {
			faults.add("", "is no JSON: %v", err)
			return c, faults
		}
		name, _ := token.(string)
		if slices.Contains(seen, name) {
			faults.add(path(name), "is there twice; write it once")
			continue
		}
		seen = append(seen, name)
		c.read(name, member, &faults)
	}
	if _, err := in.Token(); err != nil {
		faults.add("", "is no JSON: %v", err)
	} else if _, err := in.Token(); !errors.Is(err, io.EOF) {
		faults.add("", "goes on after its end; write one JSON object")
	}
	return c, faults
}

// read reads one member, or leaves c as it is.
func (c *Config) read(name string, text json.RawMessage, faults *Faults) {
	var (
		next = *c
		into any
		want string
	)
	switch Field(name) {
	case FieldProfile:
		into, want = &next.Profile, `text such as "default"`
	case FieldLifetime:
		into, want = &next.Lifetime, wantDuration
	case FieldKeys:
		into, want = &next.Keys, wantList
	case FieldKeyProtection:
		into, want = &next.KeyProtection, wantList
	case FieldEvidence:
		into, want = &next.Evidence, wantList
	case FieldRenewalWindow:
		into, want = &next.RenewalWindow, wantDuration
	case FieldGrace:
		into, want = &next.Grace, wantDuration
	case FieldForks:
		into, want = &next.Forks, `"refuse" or "allow"`
	case FieldApproval:
		into, want = &next.Approval, wantList
	case FieldApprovalOver:
		into, want = &next.ApprovalOver, "a whole number of devices"
	case FieldApprovalLifetime:
		into, want = &next.ApprovalLifetime, wantDuration
	case FieldOwnerInCertificate:
		into, want = &next.OwnerInCertificate, "true or false"
	case memberLoosen:
		into, want = &next.Loosen, "a list of fields, in quotes"
	default:
		faults.add(path(name), "is unknown; use %s or %s", strings.Join(asStrings(Fields()), ", "), memberLoosen)
		return
	}
	if json.Unmarshal(text, into) != nil {
		faults.add(name, "must be %s", want)
		return
	}
	*c = next
}

const (
	wantDuration = `a duration in quotes, such as "90s", "15m", "24h" or "365d"`
	wantList     = "a list of words in quotes"
)

// path bounds the name of a member that somebody made up, and escapes what moves a
// terminal's cursor.
func path(name string) string {
	const most = 64
	if len(name) > most {
		return identity.Escaped(strings.ToValidUTF8(name[:most], "")) + "…"
	}
	return identity.Escaped(name)
}
