package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type approvalPath struct {
	ID string `path:"id" maxLength:"64" doc:"The request's id"`
}

// decision is a word on a request that waits. Its body may be left out.
type decision struct {
	ID   string `path:"id" maxLength:"64" doc:"The request's id"`
	Body *resource.Decision
}

func (d *door) addApprovals() {
	handle(d, operation{
		id: "list-approvals", method: http.MethodGet, path: "/api/v1/approvals", permission: SignedIn,
		summary: "List the requests for a second person that the caller made or can decide, oldest first",
	}, d.listApprovals)
	handle(d, operation{
		id: "show-approval", method: http.MethodGet, path: "/api/v1/approvals/{id}", permission: SignedIn,
		summary: "Show a request that the caller made or can decide",
	}, d.showApproval)
	for _, way := range []struct {
		verb, summary string
		decide        func(ctx context.Context, p identity.Principal, id, comment string) (enroll.Approval, error)
	}{
		{"approve", "Do what a request waits to do, as its maker, who must still hold the permission; the caller must hold it too, and be somebody else", d.Service.Approve},
		{"deny", "End a request without doing anything; the caller must hold its permission, and be somebody else", d.Service.Deny},
		{"withdraw", "End a request that the caller made, or a token of theirs", d.Service.Withdraw},
	} {
		handle(d, operation{
			id: way.verb + "-approval", method: http.MethodPost, path: "/api/v1/approvals/{id}/" + way.verb, permission: SignedIn, summary: way.summary,
		}, func(ctx context.Context, p identity.Principal, in *decision) (*answer[resource.Approval], error) {
			comment := ""
			if in.Body != nil {
				comment = in.Body.Comment
			}
			decided, err := way.decide(ctx, p, in.ID, comment)
			return answerOf(approvalOf(decided)), err
		})
	}
}

// approvalQuery selects requests.
type approvalQuery struct {
	Waiting bool `query:"waiting" doc:"Only those that still wait"`
	resource.Page
}

func (d *door) listApprovals(ctx context.Context, p identity.Principal, in *approvalQuery) (*answer[resource.List[resource.Approval]], error) {
	approvals, err := d.Service.Approvals(ctx, p, in.Waiting, pageIn(in.Page))
	return pageOf(approvals, approvalOf), err
}

func (d *door) showApproval(ctx context.Context, p identity.Principal, in *approvalPath) (*answer[resource.Approval], error) {
	approval, err := d.Service.Approval(ctx, p, in.ID)
	return answerOf(approvalOf(approval)), err
}

func approvalOf(a enroll.Approval) resource.Approval {
	approval := resource.Approval{
		ID: string(a.ID), State: string(a.State), Kind: string(a.Kind), What: a.Words, Request: a.Deed,
		Permission: string(a.Permission), Fleets: []resource.FleetName{}, Devices: a.Devices, MadeBy: a.Maker,
		CreatedAt: a.CreatedAt.UTC(), ExpiresAt: a.ExpiresAt.UTC(),
		DecidedBy: text(a.DecidedBy), DecidedAt: moment(a.DecidedAt), Comment: text(a.Comment),
	}
	for i, id := range a.Fleets {
		fleet := resource.FleetName{ID: string(id)}
		if i < len(a.Paths) {
			fleet.Path = text(string(a.Paths[i]))
		}
		approval.Fleets = append(approval.Fleets, fleet)
	}
	return approval
}
