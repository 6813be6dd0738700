package enroll

import (
	"unicode"
	"unicode/utf8"
)

// printable reports whether s is UTF-8 without control, format or other
// characters that do not print: safe later in logs, CSV, HTML and terminals.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
