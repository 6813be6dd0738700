package server

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
	"github.com/touchmark/touchmark/store/bolt"
)

// compacter is a store that can be compacted, as the api door asks for it.
type compacter struct{ store store.Compacter }

// compacterOf returns nil for a store that gives back room by itself.
func compacterOf(s enroll.Store) rest.Compacter {
	if kept, ok := s.(store.Compacter); ok {
		return compacter{kept}
	}
	return nil
}

// Compact implements rest.Compacter.
func (c compacter) Compact(ctx context.Context) (before, after int64, err error) {
	if before, _, err = c.store.Space(); err != nil {
		return 0, 0, err
	}
	err = c.store.Compact(ctx, nil)
	if errors.Is(err, bolt.ErrCompacting) {
		return before, before, enroll.Refuse(enroll.WrongState, "the store is being compacted already; wait for that to end")
	}
	if err != nil {
		return before, before, err
	}
	after, _, err = c.store.Space()
	return before, after, err
}

// compactEvery is how often the server looks whether the store has much to give
// back, as after the archive took over what had gathered for years.
const compactEvery = time.Hour

// keepCompact compacts the store where that is worth it, until ctx is done.
func (s *server) keepCompact(ctx context.Context) {
	kept, ok := s.store.(store.Compacter)
	if !ok {
		return
	}
	ticker := time.NewTicker(compactEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		worth, err := kept.WorthCompacting()
		if err == nil && worth {
			err = kept.Compact(ctx, nil)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			s.Log.WarnContext(ctx, "the store could not be compacted; it is whole, and the next attempt follows", "error", err)
		case worth:
			s.Log.InfoContext(ctx, "compacted the store")
		}
	}
}
