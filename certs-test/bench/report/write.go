package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Between these lines of README.md the tool writes; the rest is for people.
const (
	begin = "<!-- measured: begin -->"
	end   = "<!-- measured: end -->"
)

// Write puts results.json and plot.svg into dir, and the tables into its
// README.md, which must hold the two marks.
func (r *Report) Write(dir string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "README.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return fmt.Errorf("%s does not hold the lines %q and %q, between which the tables belong", path, begin, end)
	}
	text := before + begin + "\n\n" + r.Setting() + "\n![Server CPU for one operation](plot.svg)\n\n## Targets\n\n" +
		r.TargetTable() + "\n## Figures\n\n" + r.Tables() + "\n" + end + after
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "results.json"), append(raw, '\n'), 0o644), //nolint:gosec // a public document
		os.WriteFile(filepath.Join(dir, "plot.svg"), []byte(r.Plot()), 0o644),      //nolint:gosec // a public document
		os.WriteFile(path, []byte(text), 0o644),                                    //nolint:gosec // a public document
	)
}

// Read reads a results.json.
func Read(path string) (*Report, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	return r, json.Unmarshal(raw, r)
}
