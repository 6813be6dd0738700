package policy

import (
	"fmt"
	"strings"
)

// Fault is something wrong with a policy: where, and how to mend it.
type Fault struct {
	// Path is the member's, such as "lifetime" or "keys[2]"; empty where it is the
	// policy as a whole.
	Path    string `json:"path"`
	Message string `json:"message"`
}

// String returns "path: message".
func (f Fault) String() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path + ": " + f.Message
}

// Faults are all that is wrong with a policy. It is an error if there is one.
type Faults []Fault

// Error lists the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

func (f *Faults) add(path, format string, args ...any) {
	*f = append(*f, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

// asError returns f as an error, or nil where there is no fault.
func (f Faults) asError() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
