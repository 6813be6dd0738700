package clientcmd

import (
	"io"
	"time"
)

// NewProgress lets tests be the terminal.
func NewProgress(w io.Writer, now func() time.Time, unit string) (add func(int), end func()) {
	p := newProgress(w, now, unit)
	return p.add, p.end
}
