// Command crash proves that Touchmark loses nothing that it told anybody.
//
//	crash rounds [--rounds N] [--store STORE] [--seed N]
//
// has many clients enrol, renew, hold and revoke through the doors of a real
// server; kills it (SIGKILL) at a moment that the seed decides; starts it again on
// the same store; and holds it to all that the clients were told (package fleet).
// On PostgreSQL it is sometimes the database that is killed, or both.
//
//	crash faults [--each N] [--mount=false] [--database=false]
//
// does what kill -9 cannot, since the kernel still writes what was written before
// it: fdatasync fails with EIO and pwrite64 with ENOSPC at the n-th call, and the
// file system is full, under bolt and under PostgreSQL.
//
// It ends with 0 where nothing was lost, and with 1 and the story of the first
// fault. The lab is then left where the story says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitSound    = 0
	exitFault    = 1
	exitWrongUse = 2
)

// run does what the arguments say and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == injectedCommand {
		fmt.Fprintln(stderr, "crash:", becomeInjected(args[1:]))
		return exitFault
	}
	proofs := map[string]func(context.Context, []string, io.Writer, io.Writer) error{"rounds": runRounds, "faults": runFaults}
	if len(args) == 0 || proofs[args[0]] == nil {
		fmt.Fprintln(stderr, "usage: crash rounds|faults [FLAG...]")
		return exitWrongUse
	}
	err := proofs[args[0]](ctx, args[1:], stdout, stderr)
	switch {
	case err == nil:
		return exitSound
	case errors.Is(err, errWrongUse), errors.Is(err, flag.ErrHelp):
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "crash:", err)
		}
		return exitWrongUse
	default:
		fmt.Fprintln(stderr, "crash:", err)
		return exitFault
	}
}

// errWrongUse is wrapped by what is wrong with the arguments.
var errWrongUse = errors.New("wrong use")

// parse reads the flags of one command.
func parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", errWrongUse, err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: %q is one argument too many", errWrongUse, flags.Arg(0))
	}
	return nil
}
