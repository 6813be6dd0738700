package config

// Access says how long power lasts that nobody renews.
type Access struct {
	// MembershipLifetime is how long the groups of somebody who made scoped tokens, a
	// request that waits or a job go on giving these power without that person calling:
	// 1h to 10 years; 90d by default. Grants to the person alone are not touched by it.
	MembershipLifetime string `yaml:"membership_lifetime" reload:"live"`
}
