package rest

import (
	"encoding/json"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity/policy"
)

// policyForm stands for resource.PolicyText in the document. It lets any object
// through: package policy tells all that is wrong with one at once, in words of its
// own.
type policyForm struct{}

// Schema implements huma.SchemaProvider.
func (policyForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "A policy, of the form of Policy; a member that is not known is refused. At most 16 KiB",
	}
}

// policyIn reads a policy as somebody wrote it. What is wrong with its values is left
// to enroll, which also knows what is inherited, unless its form is wrong too.
func policyIn(text resource.PolicyText) (policy.Config, error) {
	var own policy.Config
	if err := json.Unmarshal(text.RawMessage, &own); err == nil {
		return own, nil
	}
	_, err := policy.Parse(text.RawMessage)
	var faults policy.Faults
	if !errors.As(err, &faults) {
		return own, enroll.RefuseField("policy", "not a policy")
	}
	return own, enroll.RefuseFaults("policy", faults)
}

func fleetOf(f enroll.FleetInfo) resource.Fleet {
	return resource.Fleet{
		ID: string(f.ID), Path: string(f.Path), Parent: text(string(f.Parent)),
		Policy: resource.Policy(f.Policy.Config()), PolicyVersion: f.PolicyVersion,
	}
}

func previewOf(p enroll.Preview) resource.Preview {
	return resource.Preview{
		Devices: p.Devices, Unknown: p.Unknown, Next: p.Next,
		Changes: listOf(p.Changes, func(c enroll.PreviewedChange) resource.DevicesChange { return resource.DevicesChange(c) }),
		Fields:  listOf(p.Fields, func(c policy.Change) resource.FieldChange { return resource.FieldChange(c) }),
		Shifts: listOf(p.Shifts, func(s enroll.Shift) resource.PowerShift {
			return resource.PowerShift{Gains: s.Gains, Grant: string(s.ID), For: text(s.For), Role: string(s.Role), Fleet: string(s.FleetPath)}
		}),
	}
}
