package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addJobs() {
	handle(d, operation{
		// Each action takes the permission that it takes on one device.
		id: "start-job", method: http.MethodPost, path: "/api/v1/users/{id}/jobs", permission: identity.DeviceHold,
		summary: "Hold, release, revoke or reassign all of a person's devices, in the background", status: http.StatusCreated, waits: true,
	}, d.startJob)
	handle(d, operation{
		id: "show-job", method: http.MethodGet, path: "/api/v1/jobs/{id}", permission: SignedIn,
		summary: "Show how far a job is, to whoever started it",
	}, d.showJob)
}

// jobStart asks for a job.
type jobStart struct {
	ID   string `path:"id" maxLength:"1024" doc:"me, person:<32 hexadecimal digits> as records name people, or oidc:<issuer>#<subject> with / as %2F"`
	Body resource.NewJob
}

func (d *door) startJob(ctx context.Context, p identity.Principal, in *jobStart) (*answer[resource.Job], error) {
	job, err := d.Service.StartJob(ctx, p, in.ID, enroll.NewJob{Action: in.Body.Action, Reason: in.Body.Reason, Comment: in.Body.Comment, To: in.Body.To})
	return answerOf(jobOf(job)), err
}

type jobPath struct {
	ID string `path:"id" maxLength:"64" doc:"The job's id"`
}

func (d *door) showJob(ctx context.Context, p identity.Principal, in *jobPath) (*answer[resource.Job], error) {
	job, err := d.Service.Job(ctx, p, in.ID)
	return answerOf(jobOf(job)), err
}

func jobOf(j enroll.Job) resource.Job {
	return resource.Job{
		ID: string(j.ID), User: j.User, Action: string(j.Action), Reason: text(j.Reason), Comment: text(j.Comment), To: text(j.To),
		State: string(j.State), Total: j.Total, Done: j.Done, Failed: j.Failed, Skipped: j.Skipped,
		Faults: listOf(j.Faults, func(f enroll.JobFault) resource.JobFault {
			return resource.JobFault{Device: string(f.Device), Code: string(f.Code)}
		}),
		CreatedAt: j.CreatedAt.UTC(), CreatedBy: j.CreatedBy, EndedAt: moment(j.EndedAt),
	}
}
