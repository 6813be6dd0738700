package config

// Limits say how the server behaves when more is asked of it than it can do. What it
// works on at once follows from the machine, by itself.
type Limits struct {
	// Wait is how long a request waits at most for others to be done before it is turned
	// away by 503 with Retry-After: 50ms to 10s; 1s by default. Where that was not enough
	// for everybody for as long, a tenth of it; revocations wait 10s.
	Wait string `yaml:"wait"`
	// Memory is what the process should stay below, such as 512MiB or 4GiB: garbage is
	// collected harder the nearer it gets. Three quarters of what the machine or the
	// container has by default; GOMEMLIMIT, where it is set, stands.
	Memory string `yaml:"memory"`
}
