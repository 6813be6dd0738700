package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/touchmark/touchmark/identity"
)

// maxLogged bounds each value of a line of the log, in bytes. The stack of a panic
// fits.
const maxLogged = 8 << 10

// newLog makes the log: JSON, one event a line, of characters that print, whatever a
// client sent: lines are read in terminals, where others move the cursor or turn the
// direction of writing.
func newLog(w io.Writer, least slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch value := a.Value.Any().(type) {
		case string:
			a.Value = slog.StringValue(logged(value))
		case error:
			a.Value = slog.StringValue(logged(value.Error()))
		default: // numbers, times and lists, which are our own
		}
		return a
	}}))
}

// logged is a text as it may stand in the log.
func logged(text string) string {
	if len(text) > maxLogged {
		text = strings.ToValidUTF8(text[:maxLogged], "") + "…"
	}
	if identity.Printable(text) {
		return text
	}
	var safe strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&safe, `\x%02x`, text[0])
		case r == '\n' || r == '\t': // of a stack; JSON escapes them
			safe.WriteRune(r)
		case !identity.Printable(string(r)) || unicode.Is(unicode.M, r): // marks may be too many
			fmt.Fprintf(&safe, `\u{%x}`, r)
		default:
			safe.WriteRune(r)
		}
		text = text[n:]
	}
	return safe.String()
}
