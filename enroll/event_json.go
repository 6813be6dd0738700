package enroll

import (
	"encoding/hex"
	"encoding/json"
	"time"
)

// JSON writes the event as the log records it, octet for octet as encoding/json
// would, which takes several times as long: every enrolment waits for two events.
func (e *Event) JSON() ([]byte, error) {
	w := eventWriter{text: make([]byte, 0, eventRoom)}
	w.moment("time", &e.Time)
	w.name("kind")
	w.quoted(string(e.Kind))
	w.word("actor", e.Actor)
	w.word("responsible", e.Responsible)
	w.word("request", e.Request)
	w.word("fleet", string(e.Fleet))
	w.word("fleet_id", string(e.FleetID))
	w.word("grant", e.Grant)
	w.word("order", string(e.Order))
	w.word("device", string(e.Device))
	if e.Certificate != nil {
		w.hex("certificate", e.Certificate[:])
	}
	if e.Predecessor != nil {
		w.hex("predecessor", e.Predecessor[:])
	}
	if e.Key != nil {
		w.hex("key", e.Key[:])
	}
	w.word("issuer", e.Issuer)
	w.word("profile", e.Profile)
	w.moment("not_after", e.NotAfter)
	w.word("reason", e.Reason)
	w.word("operation", e.Operation)
	w.word("code", string(e.Code))
	w.word("comment", e.Comment)
	w.rare("count", e.Count, e.Count != 0)
	w.rare("serials", e.Serials, len(e.Serials) > 0)
	w.rare("stations", e.Stations, len(e.Stations) > 0)
	w.word("about", e.About)
	w.word("for", e.For)
	w.word("role", string(e.Role))
	w.rare("permissions", e.Permissions, len(e.Permissions) > 0)
	w.word("before", e.Before)
	w.rare("policy", e.Policy, e.Policy != nil)
	w.word("target", e.Target)
	w.rare("settings", e.Settings, len(e.Settings) > 0)
	w.word("digest", e.Digest)
	w.word("verifier", e.Verifier)
	w.word("endorsement", e.Endorsement)
	return append(w.text, '}'), w.err
}

// eventRoom is what most events fit into, in octets.
const eventRoom = 640

// eventWriter adds the members of an event one after the other.
type eventWriter struct {
	text []byte
	err  error // the first that there was
}

// name begins a member. Names need no escapes.
func (w *eventWriter) name(name string) {
	separator := byte(',')
	if len(w.text) == 0 {
		separator = '{'
	}
	w.text = append(w.text, separator, '"')
	w.text = append(append(w.text, name...), '"', ':')
}

// word writes a member that is a text, unless it is empty.
func (w *eventWriter) word(name, text string) {
	if text != "" {
		w.name(name)
		w.quoted(text)
	}
}

func (w *eventWriter) quoted(text string) {
	if !plain(text) {
		w.any(text)
		return
	}
	w.text = append(append(append(w.text, '"'), text...), '"')
}

// plain reports whether a text stands in JSON as it is.
func plain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

func (w *eventWriter) hex(name string, octets []byte) {
	w.name(name)
	w.text = append(hex.AppendEncode(append(w.text, '"'), octets), '"')
}

// moment writes a member that is a time, unless it is nil.
func (w *eventWriter) moment(name string, at *time.Time) {
	if at == nil {
		return
	}
	w.name(name)
	text, err := at.AppendText(append(w.text, '"'))
	if err != nil {
		w.fail(err)
		return
	}
	w.text = append(text, '"')
}

// rare writes a member that few events have, where it is set.
func (w *eventWriter) rare(name string, value any, set bool) {
	if set {
		w.name(name)
		w.any(value)
	}
}

func (w *eventWriter) any(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		w.fail(err)
	}
	w.text = append(w.text, text...)
}

func (w *eventWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
