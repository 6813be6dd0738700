package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/cmd/touchmark/lab"
	"github.com/touchmark/touchmark/cmd/touchmark/server"
	"github.com/touchmark/touchmark/enroll"
)

// Exit codes, which scripts rely on.
const (
	exitDone        = 0
	exitFailed      = 1
	exitWrongUse    = 2
	exitNotAllowed  = 3 // or not signed in; a passphrase or PIN that is wrong or missing
	exitNotFound    = 4
	exitRefused     = 5 // by the state of things
	exitUnavailable = 6
)

// exitCode is the one table from errors to exit codes.
func exitCode(err error) int {
	var wrong *wrongUse
	var refusal *enroll.Refusal
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong):
		return exitWrongUse
	case errors.As(err, &refusal):
		return exitOfCode(refusal.Code)
	case errors.Is(err, server.ErrStoreFailed): // while it served, whatever the reason
		return exitUnavailable
	case errors.Is(err, lab.ErrExists), errors.Is(err, enroll.ErrUnfinished),
		errors.Is(err, enroll.ErrStoreInUse), errors.Is(err, enroll.ErrStoreNewer):
		return exitRefused
	case errors.Is(err, enroll.ErrStoreUnavailable):
		return exitUnavailable
	case errors.Is(err, keys.ErrPassphrase): // which tokens count, so that nobody should try again
		return exitNotAllowed
	default:
		return exitFailed
	}
}

// exitOfCode is the exit code of a refusal.
func exitOfCode(code enroll.Code) int {
	switch code {
	case enroll.Unauthenticated, enroll.Forbidden:
		return exitNotAllowed
	case enroll.NotFound:
		return exitNotFound
	case enroll.OrderFull, enroll.OrderClosed, enroll.CloneSuspected, enroll.KeyInUse,
		enroll.AlreadyEnrolled, enroll.WrongState, enroll.Conflict:
		return exitRefused
	case enroll.RateLimited, enroll.Unavailable:
		return exitUnavailable
	case enroll.BadRequest, enroll.TooLarge, enroll.BadCSR, enroll.WeakKey, enroll.Internal:
		return exitFailed
	default:
		return exitFailed
	}
}

// wrongUse is a command line that cannot be understood.
type wrongUse struct {
	command *cobra.Command
	text    string
}

// Error says what is wrong with it.
func (w *wrongUse) Error() string { return w.text }

func wrong(command *cobra.Command, format string, args ...any) error {
	return &wrongUse{command: command, text: fmt.Sprintf(format, args...)}
}

// takes has a command take exactly the arguments named, and none that is empty: an
// unset variable of a script would otherwise name the current folder.
func takes(names ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return wrong(command, "%s is missing", names[len(args)])
		case len(args) > len(names):
			return wrong(command, "%q is one argument too many", args[len(names)])
		}
		if i := slices.Index(args, ""); i >= 0 {
			return wrong(command, "%s is empty", names[i])
		}
		return nil
	}
}

// group makes a command that only holds others.
func group(command *cobra.Command) *cobra.Command {
	command.Args = func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		text := fmt.Sprintf("there is no command %q", command.CommandPath()+" "+args[0])
		if near := command.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return wrong(command, "%s", text)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		if command.HasParent() {
			return wrong(command, "say which: %s has commands of its own", command.CommandPath())
		}
		return command.Help()
	}
	command.SuggestionsMinimumDistance = 2
	return command
}
