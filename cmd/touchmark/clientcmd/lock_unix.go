//go:build unix

package clientcmd

import (
	"os"
	"syscall"
)

// lock takes the lock that a running server has on its store (flock, as bbolt
// does), and a command on the sign-in that it renews, or fails at once. It ends when
// the file is closed.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// lockShared is lock for several at a time, though not beside a running server.
func lockShared(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
}
