package clientcmd

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/touchmark/touchmark/identity"
)

// table writes rows in columns, part by part, so that a long list is shown while
// it arrives. A column never gets narrower than it was.
type table struct {
	w      io.Writer
	header []string
	rows   [][]string // not written yet
	widths []int      // in runes
	begun  bool
}

func newTable(w io.Writer, header ...string) *table {
	return &table{w: w, header: header, widths: make([]int, len(header))}
}

// row adds a row; missing cells are empty.
func (t *table) row(cells ...string) {
	shown := make([]string, len(t.header))
	for i, cell := range cells {
		shown[i] = harmless(cell)
	}
	t.rows = append(t.rows, shown)
}

// flush writes the rows added since the last flush, after the header the first
// time. A table that never had a row stays silent.
func (t *table) flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	if !t.begun {
		t.begun = true
		t.rows = append([][]string{t.header}, t.rows...)
	}
	for _, cells := range t.rows {
		for i, cell := range cells {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for _, cells := range t.rows {
		text.WriteString(t.line(cells))
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.w, text.String())
	return err
}

func (t *table) line(cells []string) string {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell)+2))
	}
	return strings.TrimRight(line.String(), " ") + "\n"
}

// harmless keeps what somebody wrote into a record from moving the cursor of the
// terminal on which it is read, or the letters that it shows.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if !identity.Printable(string(r)) {
			return utf8.RuneError
		}
		return r
	}, text)
}
