package clientcmd

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

// mayWait ends the help of commands that a policy can have wait.
const mayWait = `

Where the policy of the fleet has it wait for a second person, nothing is done yet:
the command prints the request and exits with 5. touchmark approval show tells what
became of it.`

// waits shows the request that something waits by, and returns that it is not done.
func (a *app) waits(command *cobra.Command, w *client.Waiting) error {
	if err := show(command, a, w.Approval, tellApproval); err != nil {
		return err
	}
	return refuse(enroll.WrongState, "nothing is done yet: it waits for a second person until %s; touchmark approval show %s tells what became of it",
		when(&w.Approval.ExpiresAt), harmless(w.Approval.ID))
}

// asWaiting returns what an error says to wait for, nil for another error.
func asWaiting(err error) *client.Waiting {
	var w *client.Waiting
	if errors.As(err, &w) {
		return w
	}
	return nil
}

func tellApproval(w io.Writer, asked resource.Approval) error {
	approvers, devices := "", ""
	if asked.Devices > 0 {
		devices = strconv.Itoa(asked.Devices)
	}
	if asked.State == "waiting" {
		approvers = "somebody else who holds " + asked.Permission + " on " + fleetsOf(asked)
	}
	return tell(w,
		fact{"request", asked.ID},
		fact{"state", asked.State},
		fact{"will", asked.What},
		fact{"on", fleetsOf(asked)},
		fact{"devices", devices},
		fact{"asked for", string(asked.Request)},
		fact{"made by", asked.MadeBy},
		fact{"made", when(&asked.CreatedAt)},
		fact{"waits until", when(&asked.ExpiresAt)},
		fact{"can approve", approvers},
		fact{"decided by", text(asked.DecidedBy)},
		fact{"decided", when(asked.DecidedAt)},
		fact{"comment", text(asked.Comment)},
	)
}

// fleetsOf names the fleets of a request, by id where their paths are not told.
func fleetsOf(asked resource.Approval) string {
	var names []string
	for _, fleet := range asked.Fleets {
		if name := text(fleet.Path); name != "" {
			names = append(names, name)
		} else {
			names = append(names, "the fleet "+fleet.ID)
		}
	}
	return strings.Join(names, " and ")
}
