package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as text, such as "15m", "24h" or
// "90d".
type Duration time.Duration

const day = 24 * time.Hour

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
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no duration; write for example 90s, 15m, 24h or 365d", text)
	}
	return d, nil
}

// String writes whole days from two on as in 90d, and else what is not zero of
// hours, minutes and seconds, as in 1h30m. ParseDuration reads it.
func (d Duration) String() string {
	whole := time.Duration(d)
	if whole >= 2*day && whole%day == 0 && whole/day <= maxDays {
		return strconv.FormatInt(int64(whole/day), 10) + "d"
	}
	text := whole.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText returns String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}
