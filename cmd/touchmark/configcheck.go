package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/server"
)

func newConfig() *cobra.Command {
	command := group(&cobra.Command{Use: "config", Short: "Look at the configuration"})
	command.AddCommand(newConfigCheck(), newConfigKeys())
	return command
}

// finding is a fault or a warning as config check prints it.
type finding struct {
	Level string `json:"level"` // fault or warning
	Key   string `json:"key,omitempty"`
	Text  string `json:"text"`
}

func newConfigCheck() *cobra.Command {
	var path string
	var asJSON bool
	command := &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with a configuration",
		Long: `Check a configuration without starting anything: its keys, the files that it
names, and the issuing keys and certificates. Every fault is reported at once,
with its key and how to mend it; so are warnings, of what works but should not
stay. Exit code 1 if there is a fault.`,
		Example: "  touchmark config check --config /etc/touchmark/touchmark.yaml",
		Args:    takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, findings, faulty := check(command, path)
			if asJSON {
				if err := printJSON(command, findings); err != nil {
					return err
				}
			} else {
				for _, f := range findings {
					command.Printf("%s: %s\n", f.Level, config.Fault{Key: f.Key, Text: f.Text})
				}
			}
			if faulty {
				return errors.New("the configuration has faults")
			}
			if !asJSON {
				command.Printf("what is old goes to the archive in %s\n", settings.ArchiveDir)
				command.Println("the configuration is good")
			}
			return nil
		},
	}
	configFlag(command, &path)
	jsonFlag(command, &asJSON)
	return command
}

// check returns the settings where they are free of faults.
func check(command *cobra.Command, path string) (settings *config.Settings, findings []finding, faulty bool) {
	findings = []finding{}
	settings, warnings, err := config.Load(path)
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
	case err != nil:
		faults = config.Faults{{Text: err.Error()}}
	default:
		var more []config.Fault
		faults, more = server.Check(command.Context(), settings, time.Now())
		warnings = append(warnings, more...)
	}
	for _, f := range faults {
		findings = append(findings, finding{"fault", f.Key, f.Text})
	}
	for _, w := range warnings {
		findings = append(findings, finding{"warning", w.Key, w.Text})
	}
	return settings, findings, len(faults) > 0
}
