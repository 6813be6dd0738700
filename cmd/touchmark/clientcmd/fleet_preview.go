package clientcmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func addDryRun(cmd *cobra.Command, dryRun *bool) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "change nothing, and tell what would change")
}

// preview tells what a change of a fleet would do, and changes nothing.
func (a *app) preview(cmd *cobra.Command, c *client.Client, fleet resource.Fleet, change resource.PreviewedChange) error {
	whole, err := a.previewWhole(cmd, c, fleet, change)
	if err != nil {
		return err
	}
	return show(cmd, a, whole, func(w io.Writer, p resource.Preview) error { return tellPreview(w, fleet.Path, p) })
}

// previewWhole adds up the parts of a preview.
func (a *app) previewWhole(cmd *cobra.Command, c *client.Client, fleet resource.Fleet, change resource.PreviewedChange) (resource.Preview, error) {
	p := a.progress(cmd, "devices")
	defer p.end()
	whole, err := c.PreviewPart(cmd.Context(), fleet.ID, change, "")
	for err == nil && whole.Next != "" {
		p.add(whole.Devices - int(p.count))
		var part resource.Preview
		if part, err = c.PreviewPart(cmd.Context(), fleet.ID, change, whole.Next); err != nil {
			break
		}
		if part.Next == whole.Next {
			return whole, fmt.Errorf("the server repeats a part of the preview (cursor %.80q); report it, it is a fault of the server", part.Next)
		}
		addPart(&whole, part)
	}
	slices.SortStableFunc(whole.Changes, func(a, b resource.DevicesChange) int { return cmp.Compare(b.Devices, a.Devices) })
	return whole, err
}

// addPart adds what one more part tells of devices.
func addPart(whole *resource.Preview, part resource.Preview) {
	whole.Devices += part.Devices
	whole.Unknown += part.Unknown
	whole.Next = part.Next
	for _, change := range part.Changes {
		i := slices.IndexFunc(whole.Changes, func(known resource.DevicesChange) bool {
			return known.What == change.What && known.Before == change.Before && known.After == change.After
		})
		if i < 0 {
			whole.Changes = append(whole.Changes, change)
			continue
		}
		whole.Changes[i].Devices += change.Devices
	}
}

func tellPreview(w io.Writer, path string, p resource.Preview) error {
	unknown := ""
	if p.Unknown > 0 {
		unknown = fmt.Sprintf("%d, whose keys cannot be held against the policy", p.Unknown)
	}
	if err := tell(w, fact{"devices", strconv.Itoa(p.Devices)}, fact{"without a certificate here", unknown}); err != nil {
		return err
	}
	renewals := newTable(w, "DEVICES", "WHAT", "BEFORE", "AFTER")
	for _, c := range p.Changes {
		renewals.row(strconv.Itoa(c.Devices), c.What, c.Before, c.After)
	}
	fields := newTable(w, "SETTING", "BEFORE", "AFTER")
	for _, c := range p.Fields {
		fields.row(string(c.Field), c.Before.Text, c.After.Text)
	}
	shifts := newTable(w, "POWER", "FOR", "ROLE", "BY A GRANT ON")
	for _, s := range p.Shifts {
		shifts.row(gained(s), cmp.Or(text(s.For), "somebody whom you may not know"), s.Role, s.Fleet)
	}
	for _, part := range []struct {
		title, none string
		table       *table
	}{
		{"At their next renewal:", "No device changes at its next renewal.", renewals},
		{"What holds at " + path + ":", "What holds at " + path + " stays as it is.", fields},
		{"Whose authority over " + path + " changes:", "Nobody's authority over " + path + " changes.", shifts},
	} {
		if err := tellTable(w, part.title, part.none, part.table); err != nil {
			return err
		}
	}
	return nil
}

func gained(s resource.PowerShift) string {
	if s.Gains {
		return "gained"
	}
	return "lost"
}

// tellTable writes a table below a title, or says that there is none.
func tellTable(w io.Writer, title, none string, t *table) error {
	if len(t.rows) == 0 {
		title = none
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", harmless(title)); err != nil {
		return err
	}
	return t.flush()
}
