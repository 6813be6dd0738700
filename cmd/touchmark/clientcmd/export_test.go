package clientcmd

import (
	"io"
	"time"

	"github.com/spf13/cobra"
)

// PutBack is touchmark restore --force without a configuration. It returns where
// the store that was there is kept.
func PutBack(now func() time.Time, backup, path string) (kept string, err error) {
	done, err := newApp(Shell{Clock: now}).putBack(&cobra.Command{}, backup, path, true)
	if done.Replaced != nil {
		kept = *done.Replaced
	}
	return kept, err
}

// NewProgress lets tests be the terminal.
func NewProgress(w io.Writer, now func() time.Time, unit string) (add func(int), end func()) {
	p := newProgress(w, now, unit)
	return p.add, p.end
}
