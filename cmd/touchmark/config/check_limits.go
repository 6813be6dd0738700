package config

import (
	"strconv"
	"strings"
	"time"
)

// Bounds of Limits.
const (
	defaultWait = time.Second
	leastWait   = 50 * time.Millisecond
	mostWait    = 10 * time.Second
	leastMemory = 64 << 20
	mostMemory  = 1 << 50
)

// limits turns Limits into a time, and octets; 0 octets for what the machine has.
func (c *checker) limits(l Limits) (wait time.Duration, memory int64) {
	return c.duration("limits.wait", l.Wait, defaultWait, leastWait, mostWait), c.size("limits.memory", l.Memory)
}

func (c *checker) size(key, text string) int64 {
	if text == "" {
		return 0
	}
	digits, shift := text, -1
	for unit, by := range map[string]int{"MiB": 20, "GiB": 30} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			digits, shift = number, by
		}
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	switch size := n << max(shift, 0); {
	case err != nil || n <= 0 || shift < 0:
		c.faults.add(key, "%.40q is no size; write for example 512MiB or 4GiB", text)
	case size < leastMemory || size > mostMemory:
		c.faults.add(key, "%s must be 64MiB to 1048576GiB", text)
	default:
		return size
	}
	return 0
}
