package clientcmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

// jobDeed tells what a job does.
func jobDeed(action enroll.JobAction) deed {
	switch action {
	case enroll.JobHold:
		return deed{"Hold all devices of a person", "Holds each device of a person with its certificates, as touchmark device hold does."}
	case enroll.JobRelease:
		return deed{"Release all devices of a person from hold", "Takes the hold of each device of a person back, as touchmark device release does."}
	case enroll.JobRevoke:
		return deed{"Revoke all devices of a person for good", "Revokes each device of a person for good, as touchmark device revoke does."}
	case enroll.JobReassign:
		return deed{"Give all devices of a person to another", "Makes another person the owner of each device of a person, as touchmark device assign\ndoes. Groups that own them too stay."}
	default:
		panic("no words for " + action)
	}
}

// jobSteps ends the help of every job.
const jobSteps = `

It is done on the server, device by device, and goes on if this command or the server
ends; what you may not act on is counted and left as it is. The command tells how far
it is and waits for its end; --no-wait tells the job's id alone, for touchmark job
show.`

func (a *app) userJob(action enroll.JobAction) *cobra.Command {
	job := resource.NewJob{Action: string(action)}
	var noWait bool
	words := jobDeed(action)
	use, example := string(action)+" USER", "  touchmark user "+string(action)+" oidc:https://idp.example.com#ida"
	if action == enroll.JobReassign {
		use, example = use+" --to USER", example+" --to oidc:https://idp.example.com#otto"
	}
	cmd := &cobra.Command{Use: use, Short: words.short, Long: words.long + jobSteps, Example: example, Args: a.Takes("USER")}
	addComment(cmd, &job.Comment)
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the job's end")
	switch action {
	case enroll.JobRevoke:
		reasons := reasonsFor("revoke")
		cmd.Flags().StringVar(&job.Reason, "reason", "", "why, as RFC 5280, section 5.3.1, names it: "+oneOf(reasons))
		complete(cmd, "reason", reasons)
	case enroll.JobReassign:
		cmd.Flags().StringVar(&job.To, "to", "", "the person who is to have them")
		complete(cmd, "to", nil)
	case enroll.JobHold, enroll.JobRelease:
	}
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if action == enroll.JobReassign {
			if err := a.needs(cmd, "to"); err != nil {
				return err
			}
		}
		started, err := c.StartJob(cmd.Context(), args[0], job)
		if err == nil && !noWait {
			started, err = a.await(cmd, c, started)
		}
		if err != nil {
			return err
		}
		return show(cmd, a, started, tellJob)
	})
	return cmd
}

// jobPoll is how often the server is asked how far a job is.
const jobPoll = 250 * time.Millisecond

// await waits for a job's end and tells how far it is.
func (a *app) await(cmd *cobra.Command, c *client.Client, job resource.Job) (resource.Job, error) {
	ctx, far := cmd.Context(), a.progress(cmd, "devices")
	defer far.end()
	ticker := time.NewTicker(jobPoll)
	defer ticker.Stop()
	for job.State == string(enroll.JobRunning) {
		select {
		case <-ctx.Done():
			return job, fmt.Errorf("the job %s goes on; touchmark job show %s tells how far it is: %w", job.ID, job.ID, ctx.Err())
		case <-ticker.C:
		}
		now, err := c.Job(ctx, job.ID)
		if err != nil {
			return job, fmt.Errorf("the job %s goes on; touchmark job show %s tells how far it is: %w", job.ID, job.ID, err)
		}
		far.add(now.Total - job.Total)
		job = now
	}
	return job, nil
}

func (a *app) job() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "job",
		Short:   "Jobs: how far what was asked for many devices is",
		Long:    `A job does one thing to all devices of a person, in the background; touchmark user starts one.`,
		Example: `  touchmark job show 06h09okfrl908f5f`,
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "show JOB",
		Short:   "Show how far a job is",
		Long:    `Shows a job that you started, with the first devices that could not be acted on.`,
		Example: `  touchmark job show 06h09okfrl908f5f --json`,
		Args:    a.Takes("JOB"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			job, err := c.Job(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, job, tellJob)
		}),
	})
	return a.Group(cmd)
}

func tellJob(w io.Writer, j resource.Job) error {
	err := tell(w,
		fact{"job", j.ID},
		fact{"action", j.Action},
		fact{"of", j.User},
		fact{"to", text(j.To)},
		fact{"state", j.State},
		fact{"devices", fmt.Sprint(j.Total)},
		fact{"done", fmt.Sprint(j.Done)},
		fact{"failed", fmt.Sprint(j.Failed)},
		fact{"not yours to act on", fmt.Sprint(j.Skipped)},
		fact{"started", when(&j.CreatedAt)},
		fact{"ended", when(j.EndedAt)},
	)
	if err != nil || len(j.Faults) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	faults := newTable(w, "FAILED", "WHY")
	for _, f := range j.Faults {
		faults.row(f.Device, f.Code)
	}
	return faults.flush()
}
