//go:build pkcs11

package pkcs11

import (
	"errors"
	"sync"

	"github.com/miekg/pkcs11"
)

// pool keeps the sessions of one key. A token that has no more of them than those
// of the pool has callers wait for one another.
type pool struct {
	begin func() (pkcs11.SessionHandle, error)
	end   func(pkcs11.SessionHandle) error
	most  int

	mu      sync.Mutex // guards the rest
	changed *sync.Cond
	free    []pkcs11.SessionHandle
	count   int // free and in use
}

func newPool(first pkcs11.SessionHandle, most int, begin func() (pkcs11.SessionHandle, error), end func(pkcs11.SessionHandle) error) *pool {
	p := &pool{begin: begin, end: end, most: max(most, 1), free: []pkcs11.SessionHandle{first}, count: 1}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// take returns a session that nobody else uses. It waits while the token has none
// left and others of the pool are in use; with none in use that is ErrBusy.
func (p *pool) take() (pkcs11.SessionHandle, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if n := len(p.free); n > 0 {
			session := p.free[n-1]
			p.free = p.free[:n-1]
			return session, nil
		}
		if p.count < p.most {
			p.count++
			p.mu.Unlock()
			session, err := p.begin()
			p.mu.Lock()
			if err == nil {
				return session, nil
			}
			p.count--
			p.changed.Broadcast()
			if !errors.Is(err, ErrBusy) || p.count == 0 {
				return 0, err
			}
			if len(p.free) > 0 {
				continue
			}
		}
		p.changed.Wait()
	}
}

// give takes a session back. One that failed is ended.
func (p *pool) give(session pkcs11.SessionHandle, failed bool) {
	if failed {
		_ = p.end(session) // it may be gone already
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed {
		p.count--
	} else {
		p.free = append(p.free, session)
	}
	p.changed.Broadcast()
}

// close ends the sessions, of which none is in use.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, session := range p.free {
		err = errors.Join(err, p.end(session))
	}
	p.free, p.count = nil, 0
	return err
}
