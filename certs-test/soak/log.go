package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/touchmark/touchmark/enroll/audit"
)

// proveLog exports the log and proves by it the checkpoints of the beginning and of
// now.
func (s *soak) proveLog(ctx context.Context, first []byte) error {
	last, err := s.clients.Operator.Checkpoint(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(s.lab.Dir, "export.jsonl")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for line, err := range s.clients.Operator.Audit(ctx) {
		if err != nil {
			return err
		}
		if _, err := file.Write(append(bytes.Clone(line), '\n')); err != nil {
			return err
		}
	}
	for name, text := range map[string][]byte{"the beginning": first, "the end": last} {
		checkpoint, err := audit.OpenCheckpoint(text, s.lab.Site.LogKey)
		if err != nil {
			return err
		}
		if _, err := file.Seek(0, 0); err != nil {
			return err
		}
		if _, err := audit.Verify(file, checkpoint); err != nil {
			return fmt.Errorf("the checkpoint of %s: %w", name, err)
		}
	}
	return nil
}
