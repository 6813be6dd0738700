//go:build !unix

package clientcmd

import "os"

// lock has nothing to do: here a file that is open cannot be replaced. Two commands
// may therefore renew a sign-in at once, of which the provider may refuse one.
func lock(*os.File) error { return nil }

// lockShared has nothing to do either.
func lockShared(*os.File) error { return nil }
