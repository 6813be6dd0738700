package clientcmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/identity"
)

// Defaults of a token's times, as they are typed.
const (
	usualTokenLife    = "+90d"
	usualTokenOverlap = "24h"
)

func (a *app) tokenCreate() *cobra.Command {
	var asked resource.NewToken
	var permissions, until, out string
	cmd := &cobra.Command{
		Use:   "create --name NAME --fleet FLEET --permissions PERMISSIONS",
		Short: "Make a token of what you hold; its text is told once",
		Long: `Makes a token that may do what --permissions names, on a branch of the fleet tree. You
must hold all of it there, and token.create; what gives power to others, or changes
what power is, no token can carry. It ends after 90 days unless --until says
otherwise, 366 at the most.

The text is told here and never again: the server keeps a hash. --out writes it to a
file that only you can read (0600), which --token-file of every command takes. For a
station, give it device.enrol and name it in an order: --stations token:ID.`,
		Example: `  touchmark token create --name "line 3" --fleet /berlin/line-3 --permissions ticket.draw,order.read --out line-3.token
  touchmark token create --name "gateway 7" --fleet /berlin --permissions device.enrol --until +30d --json`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&asked.Name, "name", "", "what it is for, for people to read; 1 to 100 characters")
	cmd.Flags().StringVar(&asked.Fleet, "fleet", "", "branch of the fleet tree that it is for, such as /berlin/line-3")
	cmd.Flags().StringVar(&permissions, "permissions", "", "what it may do there: A,B,C, or @FILE with one a line")
	cmd.Flags().StringVar(&until, "until", usualTokenLife, "until when: 2027-01-31T17:00:00Z, 2027-01-31, or +8h and +30d for from now")
	addTokenOut(cmd, &out)
	complete(cmd, "permissions", delegable())
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if err := a.needs(cmd, "name", "fleet", "permissions"); err != nil {
			return err
		}
		var faults [2]error
		asked.Permissions, faults[0] = listed("permissions", permissions)
		asked.Permissions = append([]string{}, asked.Permissions...) // none is [], not null
		asked.Until, faults[1] = moment("until", until, a.Clock())
		if err := firstError(faults[:]...); err != nil {
			return err
		}
		return a.makeToken(cmd, out, func() (resource.MadeToken, error) { return c.CreateToken(cmd.Context(), asked) })
	})
	return cmd
}

// delegable lists what a token can carry.
func delegable() (names []string) {
	for _, permission := range identity.Permissions() {
		if permission.Delegable() {
			names = append(names, string(permission))
		}
	}
	return names
}

func (a *app) tokenRotate() *cobra.Command {
	var overlap, until, out string
	cmd := &cobra.Command{
		Use:   "rotate TOKEN",
		Short: "Give a token another text; the one before stays good for a while",
		Long: `Gives a token of yours another text, which is told once. The text before stays good
for --overlap, so that whoever uses it can change over; after a leak give 0, and it
ends at once. Two texts are good at a time, never three. --until gives the token a
new end as well.

Only whoever made a token rotates it, while they hold token.create on its branch, or
the break-glass administrator.`,
		Example: `  touchmark token rotate 06h09okfrl908f5f --out line-3.token
  touchmark token rotate 06h09okfrl908f5f --overlap 0 --until +90d --json`,
		Args: a.Takes("TOKEN"),
	}
	cmd.Flags().StringVar(&overlap, "overlap", usualTokenOverlap, "how long the text before stays good: 90m, 24h, up to 30d; 0 for not at all")
	cmd.Flags().StringVar(&until, "until", "", "a new end: 2027-01-31T17:00:00Z, 2027-01-31, or +90d for from now; without it the end stays")
	addTokenOut(cmd, &out)
	complete(cmd, "overlap", nil)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		var faults [2]error
		var asked resource.Rotation
		asked.Overlap, faults[0] = overlapText(overlap)
		asked.Until, faults[1] = optionalMoment("until", until, a.Clock())
		if err := firstError(faults[:]...); err != nil {
			return err
		}
		return a.makeToken(cmd, out, func() (resource.MadeToken, error) { return c.RotateToken(cmd.Context(), args[0], asked) })
	})
	return cmd
}

// overlapText writes a duration as the API takes it, which knows no days; empty for
// none.
func overlapText(given string) (string, error) {
	overlap, err := config.ParseDuration(given)
	if err != nil {
		return "", wrongUse("--overlap: %w", err)
	}
	if overlap == 0 {
		return "", nil
	}
	return overlap.Round(time.Second).String(), nil
}

func addTokenOut(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVar(out, "out", "", "write the text to this `FILE`, which only you can read, instead of showing it")
	if err := cmd.MarkFlagFilename("out"); err != nil {
		panic(err) // the flag is there
	}
}

// keptToken is what is told of a token whose text went into a file.
type keptToken struct {
	resource.Token
	Out string `json:"out"`
}

// makeToken makes a token, or another text of one. A file for the text is begun before, so
// that no text is told that cannot be written.
func (a *app) makeToken(cmd *cobra.Command, out string, ask func() (resource.MadeToken, error)) error {
	if out != "" {
		return a.makeTokenInto(cmd, out, ask)
	}
	made, err := ask()
	if err != nil {
		return err
	}
	if err := show(cmd, a, made, tellMadeToken); err != nil || a.asJSON {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "\nThe last line is the token. It is told here and never again: keep it where only its user can read it.")
	return nil
}

func tellMadeToken(w io.Writer, made resource.MadeToken) error {
	if err := tellToken(w, made.Token); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", harmless(made.Text))
	return err
}

func (a *app) makeTokenInto(cmd *cobra.Command, out string, ask func() (resource.MadeToken, error)) error {
	file, err := stage(out)
	if err != nil {
		return err
	}
	made, err := ask()
	if err != nil {
		file.discard()
		return err
	}
	if _, err := io.WriteString(file, made.Text+"\n"); err != nil {
		file.discard()
		return fmt.Errorf("the token %s was made, and its text could not be written: %w; rotate or revoke it", made.ID, err)
	}
	if err := file.replace(); err != nil {
		return fmt.Errorf("the token %s was made, and its text could not be written: %w; rotate or revoke it", made.ID, err)
	}
	return show(cmd, a, keptToken{made.Token, out}, func(w io.Writer, t keptToken) error {
		if err := tellToken(w, t.Token); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "\nThe token's text is in %s, and nowhere else.\n", t.Out)
		return err
	})
}
