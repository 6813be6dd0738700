package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxDays keeps a duration within time.Duration, which ends after 292 years.
const maxDays = 100_000

// ParseDuration reads a duration as time.ParseDuration does, and whole days as
// in 365d.
func ParseDuration(text string) (time.Duration, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > maxDays {
			return 0, fmt.Errorf("%.40q is no number of days; write for example 90d", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no duration; write for example 90s, 15m, 24h or 365d", text)
	}
	return d, nil
}
