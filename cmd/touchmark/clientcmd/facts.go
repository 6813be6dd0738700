package clientcmd

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// fact is one line of what is told of a single thing.
type fact struct{ name, value string }

// tell writes facts one a line, the values under each other; those without a
// value are left out.
func tell(w io.Writer, facts ...fact) error {
	width := 0
	for _, f := range facts {
		if f.value != "" {
			width = max(width, len(f.name))
		}
	}
	var text strings.Builder
	for _, f := range facts {
		if f.value != "" {
			fmt.Fprintf(&text, "%-*s  %s\n", width, f.name, harmless(f.value))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// inLine writes facts one after the other; those without a value are left out.
func inLine(facts ...fact) string {
	var told []string
	for _, f := range facts {
		if f.value != "" {
			told = append(told, f.name+" "+f.value)
		}
	}
	return strings.Join(told, ", ")
}

// when writes a time as a person reads it: to the second, in UTC, as RFC 3339,
// so that it can be given back to a flag. The zero time and nil are empty.
func when(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// text returns what p points at, empty for nil.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
