package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// run does what the arguments say and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "touchmark: %v\n", err)
	var wrong *wrongUse
	if errors.As(err, &wrong) {
		fmt.Fprintf(stderr, "See: %s --help\n", wrong.command.CommandPath())
	}
	return exitCode(err)
}

// The groups that help shows commands in.
const (
	groupServer = "server"
	groupClient = "client"
)

func newRoot() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "touchmark",
		Short: "Device identities, from the factory line to the scrapyard",
		Long: `Touchmark gives every device an X.509 identity on the factory line, keeps it
fresh for as long as the device lives, and withdraws it everywhere within seconds
when it must go.

Begin with a lab of your own:

  touchmark quickstart lab
  touchmark serve --config lab/touchmark.yaml

Exit codes: 0 done, 1 failed, 2 wrong use, 3 not allowed or not signed in,
4 not found, 5 refused by the state of things, 6 unavailable.`,
	})
	root.SilenceErrors, root.SilenceUsage = true, true
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "On the server's machine:"},
		&cobra.Group{ID: groupClient, Title: "From anywhere, through the REST API:"},
	)
	for _, command := range []*cobra.Command{
		newQuickstart(), newServe(), newConfig(), newCA(), newLogKeys(), newBreakGlass(), newRestore(), newStore(),
	} {
		command.GroupID = groupServer
		root.AddCommand(command)
	}
	for _, command := range clientCommands() {
		command.GroupID = groupClient
		root.AddCommand(command)
	}
	root.AddCommand(newVersion())
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		group(completion)
	}
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return &wrongUse{command: command, text: err.Error()}
	})
	return root
}

// newHelp is cobra's help command with an error for what there is no help about.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Teach a command",
		ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			at, _, err := root.Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, command := range at.Commands() {
				if command.IsAvailableCommand() && strings.HasPrefix(command.Name(), prefix) {
					names = append(names, cobra.CompletionWithDesc(command.Name(), command.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			command, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return wrong(root, "there is no command %q", strings.Join(append([]string{root.Name()}, args...), " "))
			}
			return command.Help()
		},
	}
}
