package config

import (
	"errors"
	"fmt"
	"strings"
)

// Fault is something wrong with a file: where, and how to mend it.
type Fault struct {
	// Key is the path of the key at fault, such as "oidc.providers[0].issuer"; empty
	// where it is not one key.
	Key  string
	Text string
	// Err is what went wrong, where an error said so; Text tells it.
	Err error
}

// String returns "key: text".
func (f Fault) String() string {
	if f.Key == "" {
		return f.Text
	}
	return f.Key + ": " + f.Text
}

// Faults are all that is wrong with a file. It is an error if there is one.
type Faults []Fault

// Error lists the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors that said what went wrong.
func (f Faults) Unwrap() []error {
	var errs []error
	for _, fault := range f {
		if fault.Err != nil {
			errs = append(errs, fault.Err)
		}
	}
	return errs
}

func (f *Faults) add(key, format string, args ...any) {
	*f = append(*f, Fault{Key: key, Text: fmt.Sprintf(format, args...)})
}

// absorb adds what another package found wrong below key: each of the errors
// that err joins begins with its own key and a colon.
func (f *Faults) absorb(key string, err error) {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		f.add(key, "%v", err)
		return
	}
	for _, fault := range joined.Unwrap() {
		below, text, found := strings.Cut(fault.Error(), ": ")
		if !found {
			below, text = "", fault.Error()
		}
		f.add(strings.Trim(key+"."+below, "."), "%s", text)
	}
}

// asError returns f as an error, or nil where there is no fault.
func (f Faults) asError() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
