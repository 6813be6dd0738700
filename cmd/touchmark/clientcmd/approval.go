package clientcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) approval() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approval",
		Short: "Requests that wait for a second person: approve, deny and withdraw them",
		Long: `What weighs much waits for a second person, where the policy of the fleet says so:
enrolments, actions on devices, or changes of policies, fleets, roles and grants. A
request says what it will do and expires by itself. Who approves it holds the same
permission there, and is somebody else than whoever made it, also by a token.`,
		Example: `  touchmark approval list --waiting
  touchmark approval show REQUEST
  touchmark approval approve REQUEST --comment "as agreed on the phone"`,
	}
	cmd.AddCommand(a.approvalList(), a.approvalShow())
	for _, way := range []struct {
		verb, short, long string
		decide            func(*client.Client, context.Context, string, string) (resource.Approval, error)
	}{
		{
			"approve", "Have done what a request waits to do",
			`Does what the request waits to do, now, as whoever made it. What they may not do
any more, or what has changed meanwhile, is refused (exit code 5).`, (*client.Client).Approve,
		},
		{"deny", "End a request; nothing is done", `Ends a request that you could approve. Nothing is done.`, (*client.Client).Deny},
		{"withdraw", "Take back a request of your own", `Ends a request that you made, or a token of yours. Nothing is done.`, (*client.Client).Withdraw},
	} {
		cmd.AddCommand(a.decision(way.verb, way.short, way.long, way.decide))
	}
	return a.Group(cmd)
}

func (a *app) approvalList() *cobra.Command {
	var part paging
	var waiting bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the requests that you made or can decide, oldest first",
		Long: `Lists the requests that you made, and those that you can decide: you hold their
permission at each of their fleets. What ended is listed too, for some weeks.`,
		Example: `  touchmark approval list --waiting`,
		Args:    a.Takes(),
	}
	cmd.Flags().BoolVar(&waiting, "waiting", false, "only those that still wait")
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		requests := listing[resource.Approval]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Approval], error) {
				return c.ApprovalsPart(ctx, waiting, resource.Page{After: after, Limit: limit})
			},
			header: []string{"REQUEST", "STATE", "WAITS UNTIL", "WILL", "MADE BY"},
			row: func(r resource.Approval) []string {
				return []string{r.ID, r.State, when(&r.ExpiresAt), r.What, r.MadeBy}
			},
			unit:  "requests",
			empty: "No requests here that you made or can decide.",
		}
		return requests.show(cmd, a, part)
	})
	return cmd
}

func (a *app) approvalShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show REQUEST",
		Short: "Show a request: what it will do, until when, and who can approve",
		Long: `Shows a request with everything that it will do, as it was asked for, and what
became of it.`,
		Example: `  touchmark approval show 06h09okfrl908f5f`,
		Args:    a.Takes("REQUEST"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			request, err := c.Approval(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, request, tellApproval)
		}),
	}
}

func (a *app) decision(verb, short, long string, decide func(*client.Client, context.Context, string, string) (resource.Approval, error)) *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use: verb + " REQUEST", Short: short, Long: long, Example: "  touchmark approval " + verb + " 06h09okfrl908f5f", Args: a.Takes("REQUEST"),
	}
	addComment(cmd, &comment)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		request, err := decide(c, cmd.Context(), args[0], comment)
		if err != nil {
			return err
		}
		return show(cmd, a, request, tellApproval)
	})
	return cmd
}
