package clientcmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// show writes one thing: with --json as the API tells it, or else as a person
// reads it.
func show[T any](cmd *cobra.Command, a *app, value T, tell func(io.Writer, T) error) error {
	if !a.asJSON {
		return tell(cmd.OutOrStdout(), value)
	}
	encoded, err := marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", encoded)
	return err
}

// marshal writes JSON in one line, as the API does: without the escapes that are
// meant for HTML.
func marshal(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
