package identity

import (
	"fmt"
	"strings"
)

// MaxFleetPath bounds a fleet path, in bytes.
const MaxFleetPath = 1024

// FleetPath names a branch of the fleet tree: "/" is all of it, "/berlin/line-3"
// a branch. Segments are 1 to 64 of a-z 0-9 '.' '_' '-', none of them "." or "..".
type FleetPath string

// RootFleet is the path of the whole tree.
const RootFleet FleetPath = "/"

// ParseFleetPath checks s and returns it as a FleetPath, or an error that wraps
// ErrName.
func ParseFleetPath(s string) (FleetPath, error) {
	if s == string(RootFleet) {
		return RootFleet, nil
	}
	if len(s) > MaxFleetPath || !strings.HasPrefix(s, "/") {
		return "", fmt.Errorf("%w: a fleet is a path such as /berlin/line-3, at most %d bytes", ErrName, MaxFleetPath)
	}
	for segment := range strings.SplitSeq(s[1:], "/") {
		if err := CheckFleetName(segment); err != nil {
			return "", err
		}
	}
	return FleetPath(s), nil
}

// CheckFleetName refuses what is no segment of a fleet path; the error wraps ErrName.
func CheckFleetName(name string) error {
	if !within(name, 64, isSegmentByte) || name == "." || name == ".." {
		return fmt.Errorf("%w: each segment of a fleet path is 1 to 64 of a-z, 0-9, '.', '_' and '-', and not '.' or '..'", ErrName)
	}
	return nil
}

// Segments returns the names from the root down; none for the root itself.
func (p FleetPath) Segments() []string {
	if p == RootFleet {
		return nil
	}
	return strings.Split(string(p[1:]), "/")
}

// Child returns the path of the branch called name directly below p.
func (p FleetPath) Child(name string) FleetPath {
	if p == RootFleet {
		return FleetPath("/" + name)
	}
	return p + FleetPath("/"+name)
}

// Within reports whether p is branch or lies below it.
func (p FleetPath) Within(branch FleetPath) bool {
	if branch == RootFleet || p == branch {
		return true
	}
	return strings.HasPrefix(string(p), string(branch)+"/")
}

func isSegmentByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
