package main

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/ca/keys"
)

// version is what make build calls the program; the linker sets it.
var version string

// versionInfo is what this program was built from.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Keys are the schemes of key URIs whose drivers are built in.
	Keys []string `json:"keys"`
}

// readVersion asks the linker, or else the build: a module that was installed knows
// its version, a checkout its commit.
func readVersion() versionInfo {
	v := versionInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Keys: keys.BuiltIn()}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			v.Version = info.Main.Version
		}
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				v.Revision = setting.Value
			}
		}
	}
	if version != "" {
		v.Version = version
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
			command.Println(strings.Join(slices.DeleteFunc([]string{"touchmark", v.Version, v.Revision, v.Go, v.Platform}, isEmpty), " "))
			return nil
		},
	}
	jsonFlag(command, &asJSON)
	return command
}

func isEmpty(s string) bool { return s == "" }
