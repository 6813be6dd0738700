package config

// Access says how long power lasts that nobody renews, and how large branches become.
type Access struct {
	// MembershipLifetime is how long the groups of somebody who made scoped tokens, a
	// request that waits or a job go on giving these power without that person calling:
	// 1h to 10 years; 90d by default. Grants to the person alone are not touched by it.
	MembershipLifetime string `yaml:"membership_lifetime" reload:"live"`
	// BranchFleets is how many fleets there may be in each fleet right below the root,
	// itself among them: 1 to 10,000; 5,000 by default. What is there already stays.
	BranchFleets int `yaml:"branch_fleets"`
}
