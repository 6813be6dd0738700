package clientcmd

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Shell is how the whole program speaks with whoever types a command. Every
// member is needed.
type Shell struct {
	// Group makes a command that only holds others.
	Group func(*cobra.Command) *cobra.Command
	// Takes has a command take exactly the arguments named.
	Takes func(names ...string) cobra.PositionalArgs
	// Wrong is the error of a command line that cannot be understood.
	Wrong func(command *cobra.Command, format string, args ...any) error
	// Getenv is os.Getenv or a stand-in.
	Getenv func(name string) string
	Clock  func() time.Time
	// Version of the program, which servers are told.
	Version string
}

// Commands returns the commands that talk to a server, and audit, of which one
// command works offline.
func Commands(s Shell) []*cobra.Command {
	a := newApp(s)
	return a.onServer(
		a.order(), a.device(), a.certificate(), a.audit(), a.backup(), a.whoami(), a.login(),
		a.fleet(), a.grant(), a.role(), a.approval(), a.access(), a.tokens(), a.claim(), a.user(), a.job(),
	)
}

// Rotate returns the command that replaces the break-glass token.
func Rotate(s Shell) *cobra.Command {
	a := newApp(s)
	return a.onServer(a.rotate())[0]
}

// Restore returns the command that puts a backup in a store's place, offline.
func Restore(s Shell) *cobra.Command { return newApp(s).restore() }

// app is what the commands have in common.
type app struct {
	Shell
	connection
}

func newApp(s Shell) *app { return &app{Shell: s} }

// onServer gives commands the flags that say which server.
func (a *app) onServer(commands ...*cobra.Command) []*cobra.Command {
	for _, command := range commands {
		a.addFlags(command, a.Getenv)
		offerNoFiles(command)
	}
	return commands
}

// needs says which of the flags that a command cannot do without is missing.
func (a *app) needs(command *cobra.Command, flags ...string) error {
	var missing []string
	for _, flag := range flags {
		if !command.Flags().Changed(flag) {
			missing = append(missing, "--"+flag)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return a.Wrong(command, "%s is missing", missing[0])
	default:
		return a.Wrong(command, "%s are missing", strings.Join(missing, " and "))
	}
}

// progress tells how far a long command has come, where its standard error is a
// terminal.
func (a *app) progress(command *cobra.Command, unit string) *progress {
	var w io.Writer
	if file, ok := command.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		w = file
	}
	return newProgress(w, a.Clock, unit)
}

// complete has a flag offer words, or nothing at all rather than files.
func complete(command *cobra.Command, flag string, words []string) {
	err := command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(fmt.Sprintf("completion of --%s: %v", flag, err)) // the flag is not there, or has completion already
	}
}

// offerNoFiles keeps commands from offering files where they want names.
func offerNoFiles(command *cobra.Command) {
	for _, below := range command.Commands() {
		offerNoFiles(below)
	}
	if !command.HasSubCommands() && !strings.Contains(command.Use, "FILE") {
		command.ValidArgsFunction = cobra.NoFileCompletions
	}
}

// oneOf writes "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// texts turns a closed set of words into what completion offers.
func texts[S ~string](set []S) []string {
	var all []string
	for _, word := range set {
		all = append(all, string(word))
	}
	return slices.Clip(all)
}
