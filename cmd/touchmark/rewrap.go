package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/ca/keys"
)

func newCARewrap() *cobra.Command {
	var path, file string
	command := &cobra.Command{
		Use:   "rewrap --new-passphrase FILE",
		Short: "Encrypt the issuing keys under another passphrase",
		Long: `Encrypt the issuing keys that are files, of all issuers, under the passphrase in FILE.
The one that the configuration names opens them. Each key file is replaced in one
step, and only by one that was opened before and holds the same key. A server that
runs has its keys open and notices nothing.

Then have ca.passphrase name the new passphrase, and check that. Whoever was
interrupted runs it again. Copies of the key files in backups are still encrypted
under the old passphrase. The PIN of a token is changed by the token's own means.`,
		Example: `  touchmark ca rewrap --config site/touchmark.yaml --new-passphrase site/pki/passphrase.new
  mv site/pki/passphrase.new site/pki/passphrase
  touchmark config check --config site/touchmark.yaml`,
		Args: takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			if file == "" {
				return wrong(command, "--new-passphrase is missing: the file that has it")
			}
			next, err := keys.NewPassphrase(keys.PassphraseConfig{File: file})
			if err != nil {
				return err
			}
			folder, _, err := openFolder(path)
			if err != nil {
				return err
			}
			names, err := folder.Rewrap(command.Context(), next)
			if len(names) > 0 {
				command.Printf("encrypted under the passphrase in %s: %s\n", file, strings.Join(names, ", "))
			}
			if err != nil {
				return err
			}
			if len(names) == 0 {
				command.Println("no issuing key is a file; nothing was changed")
				return nil
			}
			command.Println("have ca.passphrase name that one now, and run touchmark config check")
			return nil
		},
	}
	configFlag(command, &path)
	command.Flags().StringVar(&file, "new-passphrase", "", "the `FILE` with the new passphrase")
	return command
}
