package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Program returns the touchmark to test: the one that TOUCHMARK_BIN names, or one
// that it builds into the folder.
func Program(ctx context.Context, folder string) (string, error) {
	if path := os.Getenv("TOUCHMARK_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(folder, "touchmark")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/touchmark/touchmark/cmd/touchmark")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building touchmark: %w\n%s", err, said)
	}
	return path, nil
}
