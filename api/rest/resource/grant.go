package resource

import (
	"encoding/json"
	"time"
)

// NewGrant asks for a grant.
type NewGrant struct {
	For   string     `json:"for" maxLength:"1024" doc:"Whom it is for: oidc:<issuer>#<subject>, group:<issuer>#<group> or device:<id>; whoami shows one's own" example:"group:https://idp.example#line-leads"`
	Role  string     `json:"role" maxLength:"64" doc:"A built-in role or one of the organisation's own"`
	Fleet string     `json:"fleet" maxLength:"1024" doc:"Path of the branch; / is the whole tree" example:"/berlin"`
	Until *time.Time `json:"until,omitempty" doc:"When it ends; without end where omitted"`
}

// Grant gives a principal or a group a role on a branch of the fleet tree.
type Grant struct {
	ID        string     `json:"id"`
	For       string     `json:"for"`
	Lineage   string     `json:"lineage,omitempty" doc:"Of a device: serial number of the first certificate of the enrolment for which alone it counts"`
	Role      string     `json:"role"`
	Fleet     string     `json:"fleet" doc:"Path of the branch; / is the whole tree"`
	FleetID   string     `json:"fleet_id"`
	Until     *time.Time `json:"until" doc:"When it ends; null for no end"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by" doc:"Pseudonymous id"`
}

// HeldGrant is a role that somebody holds on a branch, and what gives it.
type HeldGrant struct {
	Grant string     `json:"grant" doc:"Id of a grant, configuration: and a role, owner, or break-glass"`
	Role  string     `json:"role" doc:"Empty for what an owner may"`
	Fleet string     `json:"fleet" doc:"Path of the branch; / is the whole tree"`
	Until *time.Time `json:"until" doc:"When it ends; null for no end"`
	// Why is told where access is explained, of a grant that does not decide.
	Why string `json:"why,omitempty" doc:"Why it does not decide: elsewhere, ended, enrolled anew since (of a device) or outside the token's scope; omitted where another came first"`
}

// Role is a set of permissions.
type Role struct {
	Name        string     `json:"name"`
	BuiltIn     bool       `json:"built_in" doc:"One of Touchmark's own, which nobody changes"`
	Permissions []string   `json:"permissions" nullable:"false"`
	ChangedAt   *time.Time `json:"changed_at" doc:"null for a built-in role"`
}

// RolePermissions are what a role of the organisation's own is to give.
type RolePermissions struct {
	Permissions []string `json:"permissions" nullable:"false" maxItems:"64" doc:"The whole list, each once"`
}

// Approval is a request that waits for a second person, or what became of it.
type Approval struct {
	ID    string `json:"id"`
	State string `json:"state" enum:"waiting,approved,denied,withdrawn,expired"`
	Kind  string `json:"kind" doc:"What it will do, such as device.act or policy.set"`
	What  string `json:"what" doc:"The same for people"`
	// Request is what was asked for, by Kind.
	Request    json.RawMessage `json:"request" doc:"What was asked for, as it will be done"`
	Permission string          `json:"permission" doc:"What whoever approves must hold at each of the fleets"`
	Fleets     []FleetName     `json:"fleets" nullable:"false"`
	Devices    int             `json:"devices" doc:"How many devices it acts on"`
	MadeBy     string          `json:"made_by" doc:"Id of the principal that made it; no one who answers for them can approve it"`
	CreatedAt  time.Time       `json:"created_at"`
	ExpiresAt  time.Time       `json:"expires_at"`
	DecidedBy  *string         `json:"decided_by" doc:"Pseudonymous id"`
	DecidedAt  *time.Time      `json:"decided_at"`
	Comment    *string         `json:"comment" doc:"Of whoever decided"`
}

// FleetName is a fleet, by its id.
type FleetName struct {
	ID   string  `json:"id"`
	Path *string `json:"path" doc:"What it is called now; null where the caller may not know"`
}

// Decision is what somebody says about a request that waits.
type Decision struct {
	Comment string `json:"comment,omitempty" doc:"Why, for the log; at most 1,024 bytes"`
}

// Question asks whether somebody may do something somewhere.
type Question struct {
	As string `json:"as,omitempty" maxLength:"1024" doc:"Id of a principal or of a group, as grants name them; the caller where omitted"`
	// Groups are for those of whom no groups are known here.
	Groups     []string `json:"groups,omitempty" maxItems:"500" doc:"Groups, as the provider names them, that a person is taken to be in, rather than those known here: only of people who made a token or a request are groups known. Takes access.explain"`
	Permission string   `json:"permission" maxLength:"64" example:"device.revoke"`
	On         string   `json:"on" maxLength:"1024" doc:"Path or id of a fleet, or id of a device" example:"/berlin/line-3"`
}

// Explanation answers a Question.
type Explanation struct {
	Allowed  bool        `json:"allowed"`
	Waits    bool        `json:"waits" doc:"It is allowed, and would wait for a second person"`
	Fleet    string      `json:"fleet" doc:"Path of the fleet asked about, or of the one that the device is in"`
	Deciding *HeldGrant  `json:"deciding" doc:"What gives it; null where nothing does"`
	Others   []HeldGrant `json:"others" nullable:"false" doc:"What else gives the permission, as far as the caller may know"`
	Groups   []string    `json:"groups" nullable:"false" doc:"Those by which it was decided, as they were last seen"`
}
