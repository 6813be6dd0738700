package clientcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// fullPage is how many items a command asks for at a time, the most that the API
// gives.
const fullPage = 1000

// paging is which part of a list a person asked for.
type paging struct {
	after string
	limit int // 0 for all
}

func (p *paging) addFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.limit, "limit", 0, "show one part of at most so many, 1 to 1000; all of the list without it")
	cmd.Flags().StringVar(&p.after, "after", "", `begin after this cursor: the "next" of the part before`)
}

// listing is one list: how a part of it is fetched, and how a person reads it.
type listing[T any] struct {
	fetch  func(ctx context.Context, after string, limit int) (resource.List[T], error)
	header []string
	row    func(T) []string
	unit   string // what the items are, such as "devices"
	// empty is said where there is none: what it means, and what to do.
	empty string
}

// show writes the part that was asked for, or the whole list part by part: as a
// table, or with --json as one document {"items": […], "next": "…"}.
func (l listing[T]) show(cmd *cobra.Command, a *app, p paging) error {
	if cmd.Flags().Changed("limit") && (p.limit < 1 || p.limit > fullPage) {
		return wrongUse("--limit is 1 to %d; leave it out for the whole list", fullPage)
	}
	var out sink[T] = &tableSink[T]{table: newTable(cmd.OutOrStdout(), l.header...), row: l.row}
	if a.asJSON {
		out = &jsonSink[T]{w: cmd.OutOrStdout()}
	}
	shown, next, err := l.drain(cmd.Context(), a.progress(cmd, l.unit), out, p)
	if err != nil {
		return err
	}
	if err := out.end(next); err != nil || a.asJSON {
		return err
	}
	switch {
	case next != "":
		fmt.Fprintf(cmd.ErrOrStderr(), "There may be more: give --after %s for the next part.\n", next)
	case shown == 0:
		fmt.Fprintln(cmd.ErrOrStderr(), l.empty)
	}
	return nil
}

// drain feeds out, and returns how many items it got and the cursor of what
// follows.
func (l listing[T]) drain(ctx context.Context, p *progress, out sink[T], asked paging) (shown int, next string, err error) {
	defer p.end()
	limit, after := asked.limit, asked.after
	if limit == 0 {
		limit = fullPage
	}
	for {
		part, err := l.fetch(ctx, after, limit)
		if err != nil {
			return shown, "", err
		}
		p.end() // before the next rows
		if err := out.take(part.Items); err != nil {
			return shown, "", fmt.Errorf("write the list: %w", err)
		}
		shown += len(part.Items)
		p.add(len(part.Items))
		if asked.limit > 0 || part.Next == "" {
			return shown, part.Next, nil
		}
		if part.Next == after {
			return shown, "", fmt.Errorf("the server repeats a part of the list (cursor %.80q); report it, it is a fault of the server", after)
		}
		after = part.Next
	}
}

// sink takes a list part by part.
type sink[T any] interface {
	take(items []T) error
	end(next string) error
}

type tableSink[T any] struct {
	table *table
	row   func(T) []string
}

func (s *tableSink[T]) take(items []T) error {
	for _, item := range items {
		s.table.row(s.row(item)...)
	}
	return s.table.flush()
}

func (s *tableSink[T]) end(string) error { return nil }

// jsonSink writes {"items":[…],"next":"…"}, an item a line.
type jsonSink[T any] struct {
	w     io.Writer
	begun bool
}

func (s *jsonSink[T]) take(items []T) error {
	for _, item := range items {
		lead := ",\n"
		if !s.begun {
			lead, s.begun = `{"items":[`+"\n", true
		}
		encoded, err := marshal(item)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(s.w, lead+string(encoded)); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonSink[T]) end(next string) error {
	lead := "\n"
	if !s.begun {
		lead = `{"items":[`
	}
	cursor, err := json.Marshal(next)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.w, "%s],\"next\":%s}\n", lead, cursor)
	return err
}
