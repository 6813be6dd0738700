package fleet

import "slices"

// Avoid keeps requests away from the nodes named, and from no others, as a
// balancer does with those that are not ready. At least one node is left.
func (f *Fleet) Avoid(nodes ...int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.avoided = nodes
}

// anyNode chooses a node for a request.
func (f *Fleet) anyNode() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if node := f.random.IntN(len(f.config.Site.Nodes)); !slices.Contains(f.avoided, node) {
			return node
		}
	}
}
