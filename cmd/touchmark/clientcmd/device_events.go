package clientcmd

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

func (a *app) deviceEvents() *cobra.Command {
	var part paging
	cmd := &cobra.Command{
		Use:   "events DEVICE",
		Short: "Tell a device's story, oldest first",
		Long: `Tells what happened to a device, oldest first. INDEX is the record's place in the
audit log. People are named by pseudonymous ids.

What is old goes from the store to the archive, and is not told here: auditors find
it with touchmark audit list --device, and in what touchmark audit export writes.`,
		Example: `  touchmark device events TH20-SN1`,
		Args:    a.Takes("DEVICE"),
	}
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		events := listing[json.RawMessage]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[json.RawMessage], error) {
				return c.DeviceEventsPart(ctx, args[0], resource.Page{After: after, Limit: limit})
			},
			header: []string{"INDEX", "TIME", "WHAT", "WHO", "MORE"},
			row:    eventRow,
			unit:   "events",
			empty:  "No events of this device are in the store; older ones are in the audit log: touchmark audit export",
		}
		return events.show(cmd, a, part)
	})
	return cmd
}

// eventRow shows a record; one that this version cannot read is shown as it is.
func eventRow(record json.RawMessage) []string {
	var e struct {
		Index uint64 `json:"index"`
		enroll.Event
	}
	if err := json.Unmarshal(record, &e); err != nil {
		return []string{"", "", "", "", string(record)}
	}
	return []string{strconv.FormatUint(e.Index, 10), when(&e.Time), string(e.Kind), e.Actor, inLine(more(e.Event)...)}
}

// more tells what else a record says, the most telling first.
func more(e enroll.Event) []fact {
	facts := []fact{{"reason", e.Reason}, {"code", string(e.Code)}}
	if e.Certificate != nil {
		facts = append(facts, fact{"certificate", e.Certificate.String()})
	}
	if e.Predecessor != nil {
		facts = append(facts, fact{"renews", e.Predecessor.String()})
	}
	facts = append(facts, fact{"until", when(e.NotAfter)}, fact{"order", string(e.Order)}, fact{"by", e.Operation})
	if e.Comment != "" {
		facts = append(facts, fact{"comment", strconv.Quote(e.Comment)})
	}
	return facts
}
