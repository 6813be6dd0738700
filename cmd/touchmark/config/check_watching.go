package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// Bounds of what the clock and the disk are held to.
const (
	defaultTolerance = 2 * time.Minute
	defaultMaxJump   = time.Hour
	defaultMaxIdle   = 180 * 24 * time.Hour
	mostTolerance    = time.Hour
	mostJump         = 30 * 24 * time.Hour
	mostIdle         = 10 * 365 * 24 * time.Hour
	defaultLowSpace  = 2 << 30
	defaultStopSpace = 256 << 20
	mostSpace        = 1 << 50
)

func (c *checker) clock(f Clock) enroll.ClockLimits {
	return enroll.ClockLimits{
		Tolerance: c.duration("clock.tolerance", f.Tolerance, defaultTolerance, time.Second, mostTolerance),
		MaxJump:   c.duration("clock.max_jump", f.MaxJump, defaultMaxJump, time.Minute, mostJump),
		MaxIdle:   c.duration("clock.max_idle", f.MaxIdle, defaultMaxIdle, 24*time.Hour, mostIdle),
	}
}

// disk returns below how much room, in octets, there is an alarm, and below how much
// enrolments are refused.
func (c *checker) disk(f Disk) (low, stop int64) {
	low, stop = c.size("disk.low", f.Low, defaultLowSpace), c.size("disk.stop", f.Stop, defaultStopSpace)
	if stop > low {
		c.faults.add("disk.stop", "%s is more than disk.low, so that enrolments would be refused before there is an alarm; make it less", orDefault(f.Stop, "256MiB"))
	}
	return low, stop
}

// size reads a number of octets, such as 512MiB.
func (c *checker) size(key, text string, fallback int64) int64 {
	if text == "" {
		return fallback
	}
	for unit, octets := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
		digits, has := strings.CutSuffix(text, unit)
		if !has {
			continue
		}
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n > 0 && n <= mostSpace/octets {
			return n * octets
		}
	}
	c.faults.add(key, "%.40q must be a whole number of KiB, MiB, GiB or TiB, such as 512MiB", text)
	return fallback
}
