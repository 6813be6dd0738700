package clientcmd

import (
	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/store/transfer"
)

// stages is progress that begins anew with each stage of a command.
type stages struct {
	begin   func(unit string) *progress
	current transfer.Stage
	*progress
}

func (a *app) stages(cmd *cobra.Command) *stages {
	return &stages{begin: func(unit string) *progress { return a.progress(cmd, unit) }}
}

// add counts n more rows of a stage.
func (s *stages) add(stage transfer.Stage, n int) {
	if s.progress == nil || stage != s.current {
		s.end()
		s.current, s.progress = stage, s.begin("rows "+string(stage))
	}
	s.progress.add(n)
}

func (s *stages) end() {
	if s.progress != nil {
		s.progress.end()
	}
}
