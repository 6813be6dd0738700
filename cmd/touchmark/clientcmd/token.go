package clientcmd

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) tokens() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Scoped tokens: for lines and integrations that cannot sign in themselves",
		Long: `A scoped token is a bearer token for a line or an integration that has no client
at your OpenID Connect provider. It has a name, an end, and permissions on one
branch of the fleet tree, none that its maker does not hold there. Its maker answers
for it, and it shrinks with them: what they lose, it loses at once.`,
		Example: `  touchmark token create --name "line 3" --fleet /berlin/line-3 --permissions ticket.draw,order.read --out line-3.token
  touchmark order tickets ORDER --serials SN1 --token-file line-3.token
  touchmark token rotate TOKEN --out line-3.token`,
	}
	cmd.AddCommand(a.tokenCreate(), a.tokenList(), a.tokenShow(), a.tokenRotate(), a.tokenRevoke())
	return a.Group(cmd)
}

func (a *app) tokenList() *cobra.Command {
	var query client.TokenFilter
	var part paging
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tokens that you may see, your own among them",
		Long: `Lists tokens for the branches where you hold token.read, and your own. --fleet means
the whole branch. --maker with your own id, as touchmark whoami shows it, lists yours
whatever you hold. Tokens that have ended are listed for 90 days, or until they are
revoked.`,
		Example: `  touchmark token list --fleet /berlin
  touchmark token list --maker break-glass --json`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&query.Fleet, "fleet", "", "only for this branch of the fleet tree")
	cmd.Flags().StringVar(&query.Maker, "maker", "", "only those that this principal made: its id, as touchmark whoami shows it")
	complete(cmd, "maker", nil)
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		tokens := listing[resource.Token]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Token], error) {
				return c.TokensPart(ctx, query, resource.Page{After: after, Limit: limit})
			},
			header: []string{"TOKEN", "NAME", "FLEET", "UNTIL", "LAST USED", "HOLDS", "MAKER"},
			row: func(t resource.Token) []string {
				return []string{t.ID, t.Name, t.Fleet, when(&t.Until), when(t.LastUsed), holds(t), makerOf(t)}
			},
			unit:  "tokens",
			empty: "No tokens here that you may see; touchmark token create makes one.",
		}
		return tokens.show(cmd, a, part)
	})
	return cmd
}

func (a *app) tokenShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show TOKEN",
		Short: "Show a token: whose it is, what it may do now, and when it was last used",
		Long: `Shows a token by its id. What it was made for and what it holds differ once its
maker has lost some of it. Its text is not shown: nobody keeps that.`,
		Example: `  touchmark token show 06h09okfrl908f5f`,
		Args:    a.Takes("TOKEN"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			token, err := c.Token(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, token, tellToken)
		}),
	}
}

func (a *app) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke TOKEN",
		Short: "End a token at once and for good",
		Long: `Ends a token: it opens nothing any more, and is not listed. You may revoke your own,
and those for branches where you hold token.revoke. What was done with it stays in
the audit log, under its id.`,
		Example: `  touchmark token revoke 06h09okfrl908f5f`,
		Args:    a.Takes("TOKEN"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			token, err := c.RevokeToken(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, token, func(w io.Writer, t resource.Token) error {
				return tell(w, fact{"revoked", t.ID}, fact{"name", t.Name}, fact{"fleet", t.Fleet}, fact{"maker", makerOf(t)}, fact{"last used", when(t.LastUsed)})
			})
		}),
	}
}

func tellToken(w io.Writer, t resource.Token) error {
	now := ""
	if !slices.Equal(t.Holds, t.Permissions) {
		now = holds(t)
	}
	return tell(w,
		fact{"token", t.ID},
		fact{"name", t.Name},
		fact{"fleet", t.Fleet},
		fact{"permissions", strings.Join(t.Permissions, ", ")},
		fact{"holds now", now},
		fact{"maker", makerOf(t)},
		fact{"created", when(&t.CreatedAt)},
		fact{"until", when(&t.Until)},
		fact{"old until", when(t.OldUntil)},
		fact{"last used", when(t.LastUsed)},
	)
}

// holds is what a token may do now.
func holds(t resource.Token) string {
	switch len(t.Holds) {
	case 0:
		return "nothing"
	case len(t.Permissions):
		return "all of it"
	default:
		return strings.Join(t.Holds, ", ")
	}
}

// makerOf names who answers for a token, for people to read.
func makerOf(t resource.Token) string {
	if name := text(t.MakerName); name != "" {
		return name + " (" + t.Maker + ")"
	}
	return t.Maker
}
