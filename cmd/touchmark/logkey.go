package main

import (
	"crypto/rand"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/durable"
	"github.com/touchmark/touchmark/enroll/audit"
)

func newLogKeys() *cobra.Command {
	command := group(&cobra.Command{Use: "log", Short: "The keys of the audit log"})
	command.AddCommand(newLogNewKey())
	return command
}

func newLogNewKey() *cobra.Command {
	var path, out string
	command := &cobra.Command{
		Use:   "newkey --out FILE",
		Short: "Make another key for the audit log's checkpoints",
		Long: `Make a key for the log that the configuration names, and write it to FILE, with mode
0600, and its public half beside it, with the ending .vkey. No file is replaced, and
nothing is changed yet: name the new file in log.key, and the one before it first in
log.former_keys, and reload. Then both keys sign checkpoints, and the log says, by the
word of the old key, that the new one takes its place.

Once whoever checks the log has the new public key, take the old one out of
log.former_keys, reload, and destroy it.`,
		Example: `  touchmark log newkey --config site/touchmark.yaml --out site/log-2.key
  systemctl reload touchmark`,
		Args: takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			if out == "" {
				return wrong(command, "--out is missing: the file to write the key to")
			}
			settings, _, err := config.Load(path)
			if err != nil {
				return err
			}
			private, public, err := audit.GenerateKey(rand.Reader, settings.LogOrigin)
			if err != nil {
				return err
			}
			verifier := strings.TrimSuffix(out, filepath.Ext(out)) + ".vkey"
			// The public half first: a key whose public half could not be written would be
			// there, and look as if it could be used.
			if err := durable.Create(verifier, []byte(public+"\n"), 0o644); err != nil {
				return err
			}
			if err := durable.Create(out, []byte(private+"\n"), 0o600); err != nil {
				return err
			}
			command.Printf("the new key is in %s, its public half in %s; in %s write\n\nlog:\n  key: %s\n  former_keys: [%s]\n\nand reload\n",
				out, verifier, path, from(path, out), from(path, settings.LogKey))
			return nil
		},
	}
	configFlag(command, &path)
	command.Flags().StringVar(&out, "out", "", "the new `FILE` for the key")
	return command
}

// from returns how the configuration at path names a file: relative to its own folder,
// where it lies below that.
func from(path, file string) string {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return file
	}
	whole, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	if relative, err := filepath.Rel(folder, whole); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return whole
}
