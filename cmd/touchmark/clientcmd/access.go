package clientcmd

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

func (a *app) access() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "access",
		Short:   "Why somebody may do something, or may not",
		Long:    `Tells which grant lets somebody do something somewhere, and why the others do not.`,
		Example: `  touchmark access explain --as 'oidc:https://idp.example#erika' --permission device.revoke --on /berlin/line-3`,
	}
	cmd.AddCommand(a.accessExplain())
	return a.Group(cmd)
}

func (a *app) accessExplain() *cobra.Command {
	var asked resource.Question
	var groups string
	cmd := &cobra.Command{
		Use:   "explain --permission PERMISSION --on PLACE",
		Short: "Tell whether somebody may do something somewhere, and which grant decides",
		Long: `Tells whether somebody holds a permission at a place, the grant that gives it, and
the grants that give it elsewhere or not any more. --as is a person, a service, a
token, a certificate or a group, as grants name them; yourself without it. About
others it takes access.explain there.

Which groups somebody is in the provider knows; here they are known of people who
made a scoped token or a request that waited. Of others, say which by --groups.

Denied is an answer too: the exit code is 0 for both, and --json has "allowed".`,
		Example: `  touchmark access explain --permission device.revoke --on TH20-SN1
  touchmark access explain --as 'oidc:https://idp.example#erika' --groups line-leads --permission policy.set --on /berlin
  touchmark access explain --as 'group:https://idp.example#line-leads' --permission order.create --on /`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&asked.As, "as", "", "who: an id as touchmark whoami shows it, or group:<issuer>#<group>; yourself where it is not given")
	cmd.Flags().StringVar(&groups, "groups", "", "groups that they are taken to be in, as the provider names them: A,B,C or @FILE")
	cmd.Flags().StringVar(&asked.Permission, "permission", "", "what: a permission such as device.revoke; touchmark role list shows them")
	cmd.Flags().StringVar(&asked.On, "on", "", "where: the path of a fleet, or the id of a device")
	complete(cmd, "permission", texts(identity.Permissions()))
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if err := a.needs(cmd, "permission", "on"); err != nil {
			return err
		}
		var err error
		if asked.Groups, err = listed("groups", groups); err != nil {
			return err
		}
		said, err := c.Explain(cmd.Context(), asked)
		if err != nil {
			return err
		}
		return show(cmd, a, said, tellExplanation)
	})
	return cmd
}

func tellExplanation(w io.Writer, e resource.Explanation) error {
	said, decides := "denied", "no grant"
	if e.Allowed {
		said = "allowed"
	}
	if e.Waits {
		said += ", and waits for a second person"
	}
	switch {
	case e.Deciding == nil:
	case e.Deciding.Role == "":
		decides = e.Deciding.Grant
	default:
		decides = e.Deciding.Grant + ": " + held(*e.Deciding)
	}
	err := tell(w, fact{"access", said}, fact{"fleet", e.Fleet}, fact{"decides", decides}, fact{"groups", strings.Join(e.Groups, ", ")})
	if err != nil || len(e.Others) == 0 {
		return err
	}
	others := newTable(w, "GRANT", "ROLE", "FLEET", "UNTIL", "DOES NOT DECIDE")
	for _, g := range e.Others {
		why := g.Why
		if why == "" {
			why = "another came first"
		}
		others.row(g.Grant, g.Role, g.Fleet, when(g.Until), why)
	}
	return tellTable(w, "Other grants of the permission:", "", others)
}

// held tells a role that somebody holds, where and until when.
func held(g resource.HeldGrant) string {
	told := g.Role + " on " + g.Fleet
	if g.Until != nil {
		told += " until " + when(g.Until)
	}
	return told
}
