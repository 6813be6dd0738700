package resource

import (
	"encoding/json"

	"github.com/touchmark/touchmark/identity/policy"
)

// Fleet is a branch of the fleet tree.
type Fleet struct {
	ID            string  `json:"id" doc:"Names it for good; root for the whole tree"`
	Path          string  `json:"path" doc:"What it is called now" example:"/berlin/line-3"`
	Parent        *string `json:"parent" doc:"Id of the fleet above; null for the root"`
	Policy        Policy  `json:"policy" doc:"What the fleet itself says; what it leaves out is inherited"`
	PolicyVersion uint64  `json:"policy_version" doc:"Counts the changes of the policy; 0 for never"`
}

// Policy is what a fleet itself says, as docs/operations/fleets.md describes it. As
// part of a request it is a PolicyText.
type Policy policy.Config

// PolicyText is a policy as somebody wrote it, a JSON object, so that all that is
// wrong with it can be told at once.
type PolicyText struct{ json.RawMessage }

// NewFleet asks for a fleet.
type NewFleet struct {
	Path string `json:"path" maxLength:"1024" doc:"Path of the fleet; what is missing of it is made" example:"/berlin/line-3"`
}

// FleetEdit renames or moves a fleet; what is omitted stays as it is.
type FleetEdit struct {
	Name   string `json:"name,omitempty" minLength:"1" maxLength:"64" doc:"The last segment of its path from now on"`
	Parent string `json:"parent,omitempty" minLength:"1" maxLength:"1024" doc:"Id or path of the fleet that it is to be right below"`
}

// PolicyChange replaces what a fleet itself says.
type PolicyChange struct {
	Policy  PolicyText `json:"policy" doc:"The whole policy; what it leaves out is inherited"`
	Version uint64     `json:"version,omitempty" doc:"The policy_version that it was made from: refused as conflict where there is another by now; omitted for whichever there is"`
}

// Effective is what holds at a fleet or for a device.
type Effective struct {
	Settings []policy.Setting `json:"settings" nullable:"false" doc:"Each field of a policy, with the fleet that set it"`
}

// PreviewedChange is a change of a fleet that is not to be made: a new name or
// parent, or a new policy.
type PreviewedChange struct {
	FleetEdit
	Policy PolicyText `json:"policy,omitzero" doc:"The whole policy, instead of a name or a parent"`
}

// Preview is what a change would do, as far as one part of the branch's devices was
// looked at. The parts of one preview add up.
type Preview struct {
	Devices int             `json:"devices" doc:"How many devices were looked at"`
	Unknown int             `json:"unknown" doc:"How many of them have a key that is not known any more"`
	Changes []DevicesChange `json:"changes" nullable:"false" doc:"How many devices change how at their next renewal"`
	Fields  []FieldChange   `json:"fields" nullable:"false" doc:"What changes of the fleet's effective policy; in the first part only"`
	Shifts  []PowerShift    `json:"shifts" nullable:"false" doc:"Whose power over the branch changes; in the first part only"`
	Next    string          `json:"next" doc:"Cursor of the next part; empty at the end"`
}

// DevicesChange is one way in which devices change.
type DevicesChange struct {
	What    string `json:"what" doc:"A field of a policy"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Devices int    `json:"devices"`
}

// FieldChange is a field of an effective policy that holds otherwise than before.
type FieldChange policy.Change

// PowerShift is a grant that reaches the branch after a move and did not before, or
// the other way round.
type PowerShift struct {
	Gains bool   `json:"gains" doc:"Power over the branch is gained; else it is lost"`
	Grant string `json:"grant" doc:"Id of the grant"`
	// For is null where the caller may not read the grants there.
	For   *string `json:"for" doc:"Whom the grant is for; null where the caller may not know"`
	Role  string  `json:"role"`
	Fleet string  `json:"fleet" doc:"Path of the branch that the grant is on"`
}
