package clientcmd

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
)

// maxListed bounds the values that one flag may list; it is the most that the API
// takes in one request (enroll.MaxManifest).
const maxListed = 100_000

// listed reads a flag that lists values: with commas between them, or @FILE with
// one a line, where empty lines do not count. An empty flag is nil.
func listed(flag, given string) ([]string, error) {
	path, isFile := strings.CutPrefix(given, "@")
	if isFile {
		return listedIn(flag, path)
	}
	if given == "" {
		return nil, nil
	}
	values := strings.Split(given, ",")
	if len(values) > maxListed {
		return nil, wrongUse("--%s lists more than %d values", flag, maxListed)
	}
	for i, value := range values {
		if values[i] = strings.TrimSpace(value); values[i] == "" {
			return nil, wrongUse("--%s has an empty value; write A,B,C or @FILE with one a line", flag)
		}
	}
	return values, nil
}

func listedIn(flag, path string) ([]string, error) {
	file, err := os.Open(path) // #nosec G304 -- named by whoever runs the command
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	defer file.Close()
	var values []string
	lines := bufio.NewScanner(file) // refuses lines over 64 KiB
	for lines.Scan() {
		value := strings.TrimSpace(lines.Text())
		if value == "" {
			continue
		}
		if len(values) == maxListed {
			return nil, fmt.Errorf("--%s: %s has more than %d lines", flag, path, maxListed)
		}
		values = append(values, value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--%s: reading %s: %w", flag, path, err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("--%s: %s is empty; write one value a line", flag, path)
	}
	return values, nil
}

// moment reads a flag that is a time: RFC 3339, a date (its beginning in UTC), or
// +DURATION from now.
func moment(flag, given string, now time.Time) (time.Time, error) {
	if ahead, found := strings.CutPrefix(given, "+"); found {
		d, err := config.ParseDuration(ahead)
		if err != nil {
			return time.Time{}, wrongUse("--%s: %w", flag, err)
		}
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, given); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUse("--%s: %.40q is no time; write 2027-01-31T17:00:00Z, 2027-01-31, or +8h and +30d for from now", flag, given)
}

// optionalMoment is moment, and nil for an empty flag.
func optionalMoment(flag, given string, now time.Time) (*time.Time, error) {
	if given == "" {
		return nil, nil
	}
	t, err := moment(flag, given, now)
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// firstError returns the first of several faults: a person mends one at a time.
func firstError(faults ...error) error {
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// errUsage is in the chain of every error that a person mends by writing the
// command differently.
var errUsage = errors.New("wrong use")

// usageError is such an error; only its own text is shown.
type usageError struct{ error }

func (e usageError) Unwrap() []error { return []error{errUsage, e.error} }

func wrongUse(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}
