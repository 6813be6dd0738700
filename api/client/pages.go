package client

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// partSize is how many items are asked for at a time.
const partSize = 500

// pages reads a list part by part, as far as the caller goes. An error ends it.
func pages[T any](ctx context.Context, c *Client, query url.Values, path ...string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		asked := maps.Clone(query)
		if asked == nil {
			asked = url.Values{}
		}
		asked.Set("limit", strconv.Itoa(partSize))
		for {
			part, err := get[resource.List[T]](ctx, c, call{method: http.MethodGet, path: path, query: asked})
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range part.Items {
				if !yield(item, nil) {
					return
				}
			}
			if part.Next == "" {
				return
			}
			if part.Next == asked.Get("after") {
				yield(none, errors.New("the server's list does not end"))
				return
			}
			asked.Set("after", part.Next)
		}
	}
}

// Collect reads at most limit items of a list; all for 0.
func Collect[T any](items iter.Seq2[T, error], limit int) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
		if len(all) == limit {
			break
		}
	}
	return slices.Clip(all), nil
}

// filter makes a query of what is set; alternating names and values.
func filter(pairs ...string) url.Values {
	query := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			query.Set(pair[0], pair[1])
		}
	}
	return query
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
