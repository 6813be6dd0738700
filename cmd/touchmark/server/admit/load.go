package admit

// Load is how a class stands.
type Load struct {
	Class Class
	// Running is how many have a place, Waiting how many wait for one, and Parked how
	// many have begun and wait for their client.
	Running, Waiting, Parked int
	// Shed is how many were turned away since the beginning.
	Shed uint64
}

// Loads returns how every class stands, in their order, and how many places there
// are.
func (l *Limiter) Loads() (loads []Load, places int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for class := range l.of {
		q := &l.of[class]
		loads = append(loads, Load{Class: Class(class), Running: q.running, Waiting: q.waiting(), Parked: q.parked, Shed: q.shed})
	}
	return loads, l.places
}
