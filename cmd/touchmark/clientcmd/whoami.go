package clientcmd

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) whoami() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show who you are to the server, and what you may do where",
		Long: `Shows who the server takes you for, and the roles that you hold, where and until
when. The id is what grants and an order's --stations name. Without any role you are
known, and may do nothing: ask for a grant, or for a group that has one. A scoped
token shows whose it is, and what it may do where.`,
		Example: `  touchmark whoami`,
		Args:    a.Takes(),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			caller, err := c.Whoami(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, a, caller, tellCaller)
		}),
	}
}

func tellCaller(w io.Writer, c resource.Caller) error {
	facts := []fact{{"id", c.ID}, {"name", c.Name}, {"kind", c.Kind}}
	if t := c.Token; t != nil {
		return tell(w, append(facts,
			fact{"fleet", t.Fleet}, fact{"permissions", strings.Join(t.Permissions, ", ")}, fact{"holds now", holds(*t)},
			fact{"maker", makerOf(*t)}, fact{"until", when(&t.Until)})...)
	}
	facts = append(facts, fact{"groups", strings.Join(c.Groups, ", ")})
	for _, grant := range c.Grants {
		facts = append(facts, fact{"role", held(grant)})
	}
	if len(c.Grants) == 0 {
		facts = append(facts, fact{"role", "none"})
	}
	return tell(w, facts...)
}
