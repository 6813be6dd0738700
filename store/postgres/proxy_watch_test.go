package postgres_test

import "bytes"

// watch counts from now on how often something is asked, or written, in whose
// arguments a text stands.
func (p *proxy) watch(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watched, p.seen = []byte(text), 0
}

// asked returns how often that was.
func (p *proxy) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// look counts what is watched.
func (p *proxy) look(kind byte, message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kind == 'B' && len(p.watched) > 0 && bytes.Contains(message, p.watched) {
		p.seen++
	}
}
