package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/clientcmd"
)

// clientCommands are the commands that work from anywhere.
func clientCommands() []*cobra.Command { return clientcmd.Commands(shell()) }

// newBreakGlassRotate works through the REST API, unlike breakglass init.
func newBreakGlassRotate() *cobra.Command { return clientcmd.Rotate(shell()) }

func newRestore() *cobra.Command { return clientcmd.Restore(shell()) }

// newStore has commands of both kinds; most work on the server's machine.
func newStore() *cobra.Command { return clientcmd.Store(shell()) }

// shell has the client commands speak as all others do.
func shell() clientcmd.Shell {
	return clientcmd.Shell{
		Group: group, Takes: takes, Wrong: wrong, Getenv: os.Getenv, Clock: time.Now, Version: readVersion().Version,
	}
}
