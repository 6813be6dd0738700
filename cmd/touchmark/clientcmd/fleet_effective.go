package clientcmd

import (
	"io"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity/policy"
)

// tellEffective shows what holds, a field a line.
func tellEffective(w io.Writer, e resource.Effective) error {
	settings := newTable(w, "SETTING", "HOLDS", "SET BY", "CUT DOWN", "FLEETS BELOW")
	for _, s := range e.Settings {
		from := "default"
		if s.From != nil {
			from = string(s.From.Path)
		}
		settings.row(string(s.Field), s.Text, from, clamped(s), loosenable(s))
	}
	return settings.flush()
}

// clamped tells what was set and which fleet does not allow it.
func clamped(s policy.Setting) string {
	if s.Clamped == nil {
		return ""
	}
	return "from " + s.Clamped.Text + ", by " + string(s.Clamped.By.Path)
}

// loosenable tells how far fleets below may loosen a field.
func loosenable(s policy.Setting) string {
	switch {
	case !s.Loosenable && s.Bound != nil:
		return "no looser, by " + string(s.Bound.By.Path)
	case !s.Loosenable:
		return "no looser"
	case s.Bound != nil:
		return "up to " + s.Bound.Text + ", by " + string(s.Bound.By.Path)
	default:
		return "as they like"
	}
}
