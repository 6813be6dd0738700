package clientcmd

import (
	"fmt"
	"io"
	"time"
)

// Progress is silent for its first second, and then says where things stand a
// few times a second.
const (
	quietFor    = time.Second
	refreshedBy = 200 * time.Millisecond
)

// progress says on a terminal how far a long command has come. It is used by one
// goroutine.
type progress struct {
	w      io.Writer // nil for no terminal
	now    func() time.Time
	unit   string // what is counted, such as "records"; bytes are written as MB
	begun  time.Time
	told   time.Time
	count  int64
	spoken bool
}

// newProgress begins to count unit. It writes to w, a terminal, or nowhere where
// that is nil.
func newProgress(w io.Writer, now func() time.Time, unit string) *progress {
	return &progress{w: w, now: now, unit: unit, begun: now()}
}

// add counts n more.
func (p *progress) add(n int) {
	p.count += int64(n)
	if p.w == nil {
		return
	}
	now := p.now()
	if now.Sub(p.begun) < quietFor || now.Sub(p.told) < refreshedBy {
		return
	}
	p.told, p.spoken = now, true
	fmt.Fprintf(p.w, "\r\x1b[K%s, %s", p.amount(), now.Sub(p.begun).Truncate(time.Second))
}

// Write counts octets, so that progress can stand in an io.MultiWriter.
func (p *progress) Write(b []byte) (int, error) {
	p.add(len(b))
	return len(b), nil
}

// end clears the line for what comes next. It is called once, whatever happened.
func (p *progress) end() {
	if p.spoken {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *progress) amount() string {
	if p.unit == bytesUnit {
		return fmt.Sprintf("%.1f MB", float64(p.count)/1e6)
	}
	return fmt.Sprintf("%d %s", p.count, p.unit)
}

// bytesUnit counts octets.
const bytesUnit = "bytes"
