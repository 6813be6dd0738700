package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is what this program was built from.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// readVersion asks the build: a released module knows its version, a checkout its
// commit.
func readVersion() versionInfo {
	v := versionInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Revision = setting.Value
		}
	}
	return v
}

func newVersion() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  touchmark version\n  touchmark version --json",
		Args:    takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			v := readVersion()
			if asJSON {
				return printJSON(command, v)
			}
			command.Println("touchmark", v.Version, v.Revision, v.Go, v.Platform)
			return nil
		},
	}
	jsonFlag(command, &asJSON)
	return command
}
