package resource

import "time"

// NewJob asks for one thing to be done to all devices of a person.
type NewJob struct {
	Action  string `json:"action" enum:"hold,release,revoke,reassign"`
	Reason  string `json:"reason,omitempty" doc:"Of revoking: a reason of RFC 5280, section 5.3.1"`
	Comment string `json:"comment,omitempty" doc:"Why, for the log; at most 1,024 bytes"`
	To      string `json:"to,omitempty" doc:"Of reassigning: the person who is to have the devices"`
}

// Job is one thing done to all devices of a person, in the background.
type Job struct {
	ID      string  `json:"id"`
	User    string  `json:"user" doc:"Pseudonymous id of whose devices"`
	Action  string  `json:"action" enum:"hold,release,revoke,reassign"`
	Reason  *string `json:"reason"`
	Comment *string `json:"comment"`
	To      *string `json:"to" doc:"Pseudonymous id of who gets the devices"`
	State   string  `json:"state" enum:"running,done"`
	Total   int     `json:"total" doc:"Devices looked at so far"`
	Done    int     `json:"done" doc:"Devices that are as they should be now"`
	Failed  int     `json:"failed" doc:"Devices that cannot be, such as revoked ones that were to be held"`
	Skipped int     `json:"skipped" doc:"Devices on which whoever started it may not do that"`
	// Faults are the first hundred of those that failed.
	Faults    []JobFault `json:"faults" nullable:"false"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by" doc:"Pseudonymous id"`
	EndedAt   *time.Time `json:"ended_at"`
}

// JobFault is a device that a job could not act on.
type JobFault struct {
	Device string `json:"device"`
	Code   string `json:"code" doc:"Why, as a refusal says it"`
}
