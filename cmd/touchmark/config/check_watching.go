package config

import (
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
	defaultLowSpace  = int64(2 << 30)
	defaultStopSpace = int64(256 << 20)
)

func (c *checker) clock(f Clock) enroll.ClockLimits {
	return enroll.ClockLimits{
		Tolerance: c.duration("clock.tolerance", f.Tolerance, defaultTolerance, time.Second, mostTolerance),
		MaxJump:   c.duration("clock.max_jump", f.MaxJump, defaultMaxJump, time.Minute, mostJump),
		MaxIdle:   c.duration("clock.max_idle", f.MaxIdle, defaultMaxIdle, 24*time.Hour, mostIdle),
	}
}

// noStop is disk.stop of whoever has other means against a full disk.
const noStop = "off"

// disk returns below how much room, in octets, there is an alarm, and below how much
// enrolments are refused; 0 for never.
func (c *checker) disk(f Disk) (low, stop int64) {
	low = orDefault(c.size("disk.low", f.Low), defaultLowSpace)
	if f.Stop == noStop {
		return low, 0
	}
	stop = orDefault(c.size("disk.stop", f.Stop), defaultStopSpace)
	if stop > low {
		c.faults.add("disk.stop", "%s is more than disk.low, so that enrolments would be refused before there is an alarm; make it less", orDefault(f.Stop, "256MiB"))
	}
	return low, stop
}
