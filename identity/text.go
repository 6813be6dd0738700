package identity

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxMarks bounds the combining marks in a row, as the Stream-Safe Text Format does
// (UAX #15, section 13): more of them run over the lines around.
const maxMarks = 30

// Printable reports whether a text that somebody wrote, such as a comment or a name,
// is UTF-8 of characters that show and stay in their line: safe later in logs, CSV,
// terminals and subject names. It is not where there are control characters (C0, C1),
// format characters (those that turn the direction of writing, zero-width ones), line
// and paragraph separators, spaces other than U+0020, letters that nobody sees, such
// as Hangul fillers, characters for private use and unassigned ones, or more than 30
// combining marks in a row. The empty text is.
//
// What prints may look like something else (homoglyphs), be a formula to a
// spreadsheet, or be HTML: whoever writes those escapes it.
func Printable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	marks := 0
	for _, r := range text {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
			return false
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		if marks > maxMarks {
			return false
		}
	}
	return true
}

// Escaped returns a text as it may stand where people read it: as it is where it is
// Printable, and otherwise in ASCII, with what is not as Go escapes it.
func Escaped(text string) string {
	if Printable(text) {
		return text
	}
	quoted := strconv.QuoteToASCII(text)
	return quoted[1 : len(quoted)-1]
}
