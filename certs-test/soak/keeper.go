package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

// keeper is what keeps the store.
type keeper struct {
	*lab.Keeper
	file string // of bolt
}

// size is what the store takes on disk, in octets. Of a file of bolt it is what was
// ever written: the file is longer in advance, by up to 16 MiB.
func (k *keeper) size(ctx context.Context) (float64, error) {
	if k.URL == "" {
		info, err := os.Stat(k.file)
		if err != nil {
			return 0, err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			return float64(stat.Blocks) * 512, nil
		}
		return float64(info.Size()), nil
	}
	conn, err := pgx.Connect(ctx, k.URL)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var size int64
	err = conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&size)
	return float64(size), err
}

// Lives of what is kept, so short that a run of some hours sees it come and go.
const (
	lifetime  = 15 * time.Minute
	retention = time.Hour // the shortest there is
)

// shortenLives has certificates end soon, and what is old leave for the archive as
// soon as may be.
func shortenLives(folder string) error {
	path := filepath.Join(folder, "touchmark.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, change := range [][2]string{
		{"lifetime: 24h", "lifetime: " + lifetime.String()},
		{"certificates_after: 168h", "certificates_after: " + retention.String()},
		{"records_after: 720h", "records_after: " + retention.String()},
	} {
		if !bytes.Contains(text, []byte(change[0])) {
			return fmt.Errorf("%s does not have %q", path, change[0])
		}
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	return os.WriteFile(path, text, 0o600)
}
