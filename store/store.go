// Package store opens the keeper of what must not be lost that a URL names. The
// contract of all of them is enroll.Store; storetest holds them to it.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
	"github.com/touchmark/touchmark/store/postgres"
)

// ErrURL is wrapped by what Open returns for a URL that names no store.
var ErrURL = errors.New("not the URL of a store")

// Backuper is a store that can be copied while it is in use. A store without it
// has its own means, as a database has.
type Backuper interface {
	// Backup writes a consistent copy to w and returns its size in bytes. It is
	// as of the call's beginning; ctx ends it early.
	Backup(ctx context.Context, w io.Writer) (int64, error)
}

// Compacter is a store that does not give back by itself what it does not need
// any more. A store without it does, as a database does.
type Compacter interface {
	// Compact gives back what it can while the store is in use, and tells progress,
	// unless that is nil, how many octets of about how many are done. ctx ends it
	// early; then, and after an error, the store is as it was, unless the error
	// wraps enroll.ErrStoreUnavailable. One runs at a time.
	Compact(ctx context.Context, progress func(done, total int64)) error
	// Space returns the store's size and how much of it is free, in octets.
	Space() (size, free int64, err error)
	// WorthCompacting reports whether it would give back much.
	WorthCompacting() (bool, error)
}

var (
	_ Backuper  = (*bolt.Store)(nil)
	_ Compacter = (*bolt.Store)(nil)
)

// Options is what a store needs besides its URL.
type Options struct {
	// Log is told once what was opened; nil for nobody.
	Log *slog.Logger
}

// Open opens the store that rawURL names, and makes it where it is new:
//
//	bolt:///var/lib/touchmark/store.db   one file on this machine
//	postgres://user@host/database        PostgreSQL, which other nodes may use too
//
// The caller closes it.
func Open(ctx context.Context, rawURL string, o Options) (enroll.Store, error) {
	open, err := openerOf(rawURL)
	if err != nil {
		return nil, err
	}
	return open(ctx, o)
}

// Check returns the error, which wraps ErrURL, that Open would refuse rawURL with
// as it is written. It opens nothing.
func Check(rawURL string) error {
	_, err := openerOf(rawURL)
	return err
}

// opener opens the store of one URL.
type opener func(context.Context, Options) (enroll.Store, error)

// openerOf reads a URL; it is the one list of what can be opened. No error
// repeats the URL, which may hold a password.
func openerOf(rawURL string) (opener, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read as a URL; write bolt:///absolute/path", ErrURL)
	}
	switch u.Scheme {
	case "bolt":
		path, err := filePath(u)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, o Options) (enroll.Store, error) {
			return opened(bolt.Open(ctx, bolt.Config{Path: path, Log: o.Log}))
		}, nil
	case "postgres", "postgresql":
		if err := postgres.CheckURL(rawURL); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrURL, err)
		}
		return func(ctx context.Context, o Options) (enroll.Store, error) {
			return opened(postgres.Open(ctx, postgres.Config{URL: rawURL, Log: o.Log}))
		}, nil
	default:
		return nil, fmt.Errorf("%w: scheme %q; known are bolt, as in bolt:///absolute/path, and postgres, as in postgres://user@host/database", ErrURL, u.Scheme)
	}
}

// opened is a store as the interface that it is; nil, and no pointer to nothing,
// with an error.
func opened[S enroll.Store](s S, err error) (enroll.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// FilePath returns the file that a bolt URL names, for what works on the file
// itself, such as restoring it.
func FilePath(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "bolt" {
		return "", fmt.Errorf("%w in a file; write bolt:///absolute/path", ErrURL)
	}
	return filePath(u)
}

func filePath(u *url.URL) (string, error) {
	if u.Host != "" || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !filepath.IsAbs(u.Path) {
		return "", fmt.Errorf("%w: a bolt URL is three slashes and an absolute path, such as bolt:///var/lib/touchmark/store.db, and nothing else", ErrURL)
	}
	if path := filepath.Clean(u.Path); path == u.Path {
		return path, nil
	}
	return "", fmt.Errorf("%w: the path of a bolt URL has no empty, '.' or '..' parts and names a file", ErrURL)
}
