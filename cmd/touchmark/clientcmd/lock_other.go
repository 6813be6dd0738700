//go:build !unix

package clientcmd

import "os"

// lock has nothing to do: here a file that is open cannot be replaced.
func lock(*os.File) error { return nil }

// lockShared has nothing to do either.
func lockShared(*os.File) error { return nil }
