package clientcmd

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/enroll"
)

func (a *app) auditList() *cobra.Command {
	var query client.AuditFilter
	var part paging
	var from, until string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show records of the audit log, oldest first: of a branch, a device, a person, a kind, a time",
		Long: `Shows what happened, oldest first, with the archive's records where they are asked
for: who did what, where, and by which grant. Whoever holds audit.read on a branch sees
what happened in its fleets; what happened in no fleet, such as a change of a role, is
shown to those who hold it on the whole tree. INDEX is the record's place in the log.

What is shown proves nothing: touchmark audit export and touchmark audit verify do, for
the whole log. People are named by pseudonymous ids. touchmark whoami tells the id that
--principal takes besides.`,
		Example: `  touchmark audit list --fleet /berlin --from 2026-11-01 --until 2026-12-01
  touchmark audit list --device TH20-SN1 --kind 'certificate.*' --kind request.refused
  touchmark audit list --principal 'oidc:https://idp.example#alice' --json`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&query.Fleet, "fleet", "", "only what happened in this branch, by its path of today")
	cmd.Flags().StringVar(&query.Device, "device", "", "only of the device with this id")
	cmd.Flags().StringVar(&query.Principal, "principal", "", "only what they did: as WHO shows them, oidc:ISSUER#SUBJECT, or me")
	cmd.Flags().StringArrayVar(&query.Kinds, "kind", nil, "only of this kind, such as device.revoked or 'device.*'; may be given again")
	cmd.Flags().StringVar(&from, "from", "", "only what happened at or after: 2026-11-30T17:00:00Z, 2026-11-30, or -24h for a day ago")
	cmd.Flags().StringVar(&until, "until", "", "only what happened before, written likewise")
	complete(cmd, "kind", texts(enroll.EventKinds()))
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		now := a.Clock()
		begin, fromErr := past("from", from, now)
		end, untilErr := past("until", until, now)
		if err := firstError(fromErr, untilErr); err != nil {
			return err
		}
		query.From, query.Until = begin, end
		records := listing[json.RawMessage]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[json.RawMessage], error) {
				return c.AuditPart(ctx, query, resource.Page{After: after, Limit: limit})
			},
			header: []string{"INDEX", "TIME", "WHAT", "WHO", "FLEET", "GRANT", "MORE"},
			row:    recordRow,
			unit:   "records",
			empty:  "No records here that you may see.",
		}
		return records.show(cmd, a, part)
	})
	return cmd
}

// past is a moment of a flag, or -DURATION for so long ago; the zero time for an empty
// flag.
func past(flag, given string, now time.Time) (time.Time, error) {
	ago, found := strings.CutPrefix(given, "-")
	switch {
	case given == "":
		return time.Time{}, nil
	case !found:
		return moment(flag, given, now)
	}
	d, err := config.ParseDuration(ago)
	if err != nil {
		return time.Time{}, wrongUse("--%s: %w", flag, err)
	}
	return now.Add(-d).UTC().Truncate(time.Second), nil
}

// recordRow shows a record; one that this version cannot read is shown as it is.
func recordRow(record json.RawMessage) []string {
	var e struct {
		Index uint64 `json:"index"`
		enroll.Event
	}
	if err := json.Unmarshal(record, &e); err != nil {
		return []string{"", "", "", "", "", "", string(record)}
	}
	about := []fact{
		{"device", string(e.Device)}, {"target", e.Target}, {"about", e.About}, {"for", e.For}, {"role", string(e.Role)}, {"before", e.Before},
	}
	if e.Count > 0 {
		about = append(about, fact{"count", strconv.Itoa(e.Count)})
	}
	told := inLine(append(about, more(e.Event)...)...)
	return []string{strconv.FormatUint(e.Index, 10), when(&e.Time), string(e.Kind), e.Actor, string(e.Fleet), e.Grant, told}
}
