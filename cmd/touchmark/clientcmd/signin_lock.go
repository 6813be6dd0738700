package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// How a command waits for another one that renews the same sign-in, which takes
// two requests to the provider.
const (
	lockPatience = 3 * providerTimeout
	lockPause    = 20 * time.Millisecond
)

// lockSignIn lets one command at a time change the sign-in to the server. The lock
// is on a file beside it, which stays: the sign-in's own is replaced. Where files
// cannot be locked nobody waits.
func (a *app) lockSignIn(ctx context.Context) (unlock func(), err error) {
	path, err := a.signInFile()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock the sign-in: %w", err)
	}
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the sign-in: %w", err)
	}
	if err := wait(ctx, file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil // which unlocks it
}

// wait tries to lock the file until it can, or the file cannot be locked at all, as
// on some network file systems.
func wait(ctx context.Context, file *os.File) error {
	patience, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	again := time.NewTicker(lockPause)
	defer again.Stop()
	for errors.Is(lock(file), syscall.EWOULDBLOCK) {
		select {
		case <-again.C:
		case <-patience.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return refuse(enroll.Unavailable, "another command has been renewing the sign-in for %s and has %s locked; try again when it has ended", lockPatience, file.Name())
		}
	}
	return nil
}

// replaceSignIn keeps a new sign-in in place of whatever there is.
func (a *app) replaceSignIn(ctx context.Context, s signIn) error {
	unlock, err := a.lockSignIn(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return a.keepSignIn(s)
}
