package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll/audit"
)

// judgeLog reads on in the log until it has all that it must have.
func (f *Fleet) judgeLog(ctx context.Context) error {
	err := again(ctx, f.config.Grace, func() error {
		if err := f.log.follow(ctx, f.anyNode()); err != nil {
			return err
		}
		if kept, err := f.Ledger.checkpoint(f.config.Site.LogKey); err == nil && kept.Size > f.log.tree.Size() {
			return &Fault{What: fmt.Sprintf("the log, of %d records, is shorter than the checkpoint of %d that was kept outside", f.log.tree.Size(), kept.Size)}
		}
		if missing := f.missing(); missing != "" { // records are numbered at or after the commit
			return fmt.Errorf("%w: the log, of %d records, %s", errOpen, f.log.tree.Size(), missing)
		}
		return nil
	})
	var fault *Fault
	switch {
	case errors.As(err, &fault):
		f.Ledger.fault(nil, "%s", fault.What)
		return nil
	case errors.Is(err, errOpen) && f.missing() != "":
		f.Ledger.fault(nil, "%v", err)
		return nil
	case err != nil:
		return err
	}
	kept, err := f.Ledger.checkpoint(f.config.Site.LogKey)
	if err != nil {
		return err
	}
	if f.log.roots[kept.Size] != kept.Root {
		f.Ledger.fault(nil, "the log's first %d records are not those of the checkpoint that was kept outside", kept.Size)
	}
	for serial, times := range f.log.issued {
		if times != 1 {
			f.Ledger.fault(nil, "the log has certificate %s issued %d times", serial, times)
		}
	}
	return nil
}

// missing names what the log must have and has not yet; "" for nothing.
func (f *Fleet) missing() string {
	for _, o := range f.Ledger.snapshot() {
		for _, d := range o.Devices {
			for _, c := range d.Certificates {
				if f.log.issued[c.Serial.String()] == 0 {
					return fmt.Sprintf("does not have certificate %s, which %s received", c.Serial, d.ID())
				}
			}
		}
	}
	return ""
}

// judgeExport has audit.Verify prove the whole log against the checkpoint that
// was kept outside, as touchmark audit verify does.
func (f *Fleet) judgeExport(ctx context.Context) error {
	var export bytes.Buffer
	err := again(ctx, f.config.Grace, func() error {
		export.Reset()
		for line, err := range f.doors.operators[f.anyNode()].Audit(ctx) {
			if err != nil {
				return answered(err)
			}
			export.Write(line)
			export.WriteByte('\n')
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("export the log: %w", err)
	}
	kept, err := f.Ledger.checkpoint(f.config.Site.LogKey)
	if err != nil {
		return err
	}
	if _, err := audit.Verify(&export, kept); err != nil {
		f.Ledger.fault(nil, "the log's export: %v", err)
	}
	return nil
}
