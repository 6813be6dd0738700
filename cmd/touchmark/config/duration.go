package config

import (
	"time"

	"github.com/touchmark/touchmark/identity/policy"
)

// ParseDuration reads a duration as time.ParseDuration does, and whole days as
// in 365d: the same text as in a fleet's policy.
func ParseDuration(text string) (time.Duration, error) { return policy.ParseDuration(text) }
