//go:build pkcs11

package pkcs11

import (
	"errors"
	"fmt"
	"sync"

	"github.com/miekg/pkcs11"
)

// defaultModule is p11-kit's proxy, which knows the libraries that are installed.
const defaultModule = "p11-kit-proxy.so"

var (
	// ErrPIN means that the token did not take the PIN. Trying again locks it.
	ErrPIN = errors.New("the PIN was refused")
	// ErrNotFound means that the token holds no such key.
	ErrNotFound = errors.New("no such key in the token")
	// ErrExists means that the token holds such a key.
	ErrExists = errors.New("such a key is in the token")
	// ErrBusy means that the token has no session left.
	ErrBusy = errors.New("the token has no session left")
	// ErrMechanism means that keys of this kind are not for this token.
	ErrMechanism = errors.New("the token cannot do this")
)

// Library is a PKCS#11 library in use. It is safe for concurrent use.
type Library struct {
	path string
	ctx  *pkcs11.Ctx

	// calls is held for reading by whoever is in the library, which must not be while
	// it is initialised anew.
	calls sync.RWMutex

	mu   sync.Mutex // guards open
	open int        // keys
}

// Load loads a library and initialises it. An empty path is p11-kit's proxy.
func Load(path string) (*Library, error) {
	if path == "" {
		path = defaultModule
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, fmt.Errorf("PKCS#11 library %s cannot be loaded; is it there, and for this machine?", path)
	}
	l := &Library{path: path, ctx: ctx}
	if err := l.initialize(); err != nil {
		ctx.Destroy()
		return nil, err
	}
	return l, nil
}

// initialize makes the library ready; that it is already is no error.
func (l *Library) initialize() error {
	err := l.ctx.Initialize()
	if err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return fmt.Errorf("PKCS#11 library %s: initialising: %w", l.path, err)
	}
	return nil
}

// renew initialises the library anew, and reports whether it did: not while
// anything of it is in use.
func (l *Library) renew() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open > 0 || !l.calls.TryLock() {
		return false
	}
	defer l.calls.Unlock()
	_ = l.ctx.Finalize() // a library that lost its token may refuse; Initialize tells
	return l.initialize() == nil
}

func (l *Library) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += n
}

// Open finds a key, with so many sessions at most. pin is what logs in where u
// has no pin-source; it is empty for tokens that need none. Where the library
// fails and nothing of it is in use, it is initialised anew and asked once more.
func (l *Library) Open(u URI, pin string, sessions int) (*Key, error) {
	key, err := l.find(u, pin, sessions)
	if err == nil || errors.Is(err, ErrPIN) || errors.Is(err, ErrBusy) || errors.Is(err, ErrNotFound) || !l.renew() {
		return key, err
	}
	return l.find(u, pin, sessions)
}

// is reports whether err is one of PKCS#11's return values.
func is(err error, values ...uint) bool {
	var failed pkcs11.Error
	if !errors.As(err, &failed) {
		return false
	}
	for _, value := range values {
		if uint(failed) == value {
			return true
		}
	}
	return false
}
