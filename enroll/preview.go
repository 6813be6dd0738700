package enroll

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// PreviewChange is a change of a fleet that is not made: its name or parent, or its
// own policy.
type PreviewChange struct {
	Edit   FleetEdit
	Policy *policy.Config
}

// Preview is what a change would do, as far as one part of the branch's devices was
// looked at.
type Preview struct {
	Devices int // looked at
	// Unknown are those of them whose newest certificate is not in the store any more,
	// so that its key is not known.
	Unknown int
	// Changes say which devices change how at their next renewal.
	Changes []PreviewedChange
	// Fields are what changes of the fleet's effective policy, and Shifts whose power
	// over the branch does; in the first part only.
	Fields []policy.Change
	Shifts []Shift
	Next   string // of the next part; empty at the end
}

// PreviewedChange is one way in which devices change.
type PreviewedChange struct {
	What          string // a field of policy
	Before, After string
	Devices       int
}

// previewPart is how many devices one part of a preview looks at.
const previewPart = 10_000

// PreviewFleet tells what a change would do, and makes none. It asks for all that
// the change itself would ask for.
func (s *Service) PreviewFleet(ctx context.Context, p identity.Principal, fleet string, change PreviewChange, after string) (preview Preview, err error) {
	permission := identity.FleetEdit
	if change.Policy != nil {
		permission = identity.PolicySet
	}
	if err := s.need(ctx, p, permission); err != nil {
		return preview, err
	}
	if edits := change.Edit != (FleetEdit{}); edits == (change.Policy != nil) {
		return preview, Refuse(BadRequest, "say either a name or a parent, or a policy")
	}
	err = s.store.View(ctx, func(r Reader) error {
		preview = Preview{}
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		was, is, err := s.previewed(r, a, fleet, change)
		if err != nil {
			return err
		}
		if after == "" {
			preview.Fields = policy.Diff(was.policy, is.policy)
			if change.Policy == nil {
				if preview.Shifts, err = shifts(r, a, was, is); err != nil {
					return err
				}
				if err := a.anonymise(r, preview.Shifts); err != nil {
					return err
				}
			}
		}
		return s.previewDevices(r, &preview, a, was, is, after)
	})
	return preview, cursorFault(err)
}

// anonymise leaves out whom grants are for where the principal may not read grants.
func (a *access) anonymise(r Reader, moved []Shift) error {
	for i := range moved {
		at, err := a.moment.place(r, moved[i].Fleet)
		if err != nil {
			return err
		}
		if !a.may(identity.GrantRead, at) {
			moved[i].For = ""
		}
	}
	return nil
}

// previewed returns the place of a fleet as it is, and as it would be.
func (s *Service) previewed(r Reader, a *access, fleet string, change PreviewChange) (was, is *place, err error) {
	if change.Policy == nil {
		d := &editFleet{Fleet: fleet, FleetEdit: change.Edit}
		_, err := d.weigh(s, r, a)
		return d.was, d.is, err
	}
	d := &setPolicy{Fleet: fleet, Policy: *change.Policy}
	if _, err := d.weigh(s, r, a); err != nil {
		return nil, nil, err
	}
	changed := *d.at
	changed.policy = d.holds
	return d.at, &changed, nil
}

// previewDevices looks at one part of the branch's devices.
func (s *Service) previewDevices(r Reader, preview *Preview, a *access, was, is *place, after string) error {
	fleets, err := addBranch(r, nil, was.id)
	if err != nil {
		return err
	}
	places := map[identity.FleetID]*place{was.id: is}
	page := Page{After: after, Limit: MaxPage}
	for preview.Devices < previewPart {
		found, err := r.Devices(DeviceFilter{Fleets: fleets, Page: page})
		if err != nil {
			return err
		}
		for i := range found.Items {
			if err := s.previewDevice(r, preview, a, places, &found.Items[i]); err != nil {
				return err
			}
		}
		if page.After = found.Next; page.After == "" {
			break
		}
	}
	preview.Next = page.After
	slices.SortFunc(preview.Changes, func(a, b PreviewedChange) int { return b.Devices - a.Devices })
	return nil
}

// previewDevice adds how one device would change at its next renewal. Devices that
// do not renew do not change.
func (s *Service) previewDevice(r Reader, preview *Preview, a *access, places map[identity.FleetID]*place, d *Device) error {
	preview.Devices++
	if d.State == identity.Revoked || d.State == identity.Retired {
		return nil
	}
	before, err := a.moment.place(r, d.Fleet)
	if err != nil {
		return err
	}
	later, err := a.later(r, places, before)
	if err != nil {
		return err
	}
	changes := policy.Diff(before.policy, later.policy)
	if len(changes) == 0 {
		return nil
	}
	held, err := s.renewsFrom(r, d)
	if err != nil {
		return err
	}
	if !held.known {
		preview.Unknown++
	}
	for _, c := range changes {
		if was, is, ok := s.renewalChange(held, c, before, later); ok {
			preview.count(string(c.Field), was, is)
		}
	}
	return nil
}

// later returns what a place becomes when one above it, which stands in places with
// what it becomes, changes.
func (a *access) later(r Reader, places map[identity.FleetID]*place, at *place) (*place, error) {
	if known := places[at.id]; known != nil {
		return known, nil
	}
	parent, err := a.moment.place(r, at.chain[len(at.chain)-2])
	if err != nil {
		return nil, err
	}
	above, err := a.later(r, places, parent)
	if err != nil {
		return nil, err
	}
	fleet, err := r.Fleet(at.id)
	if err != nil {
		return nil, err
	}
	is := above.below(at.id, fleet.Name)
	places[at.id] = is
	return is, is.read(r, above.policy)
}

// count adds one device to those that change in the same way.
func (p *Preview) count(what, before, after string) {
	for i := range p.Changes {
		if c := &p.Changes[i]; c.What == what && c.Before == before && c.After == after {
			c.Devices++
			return
		}
	}
	p.Changes = append(p.Changes, PreviewedChange{What: what, Before: before, After: after, Devices: 1})
}

// held is what a device's next renewal starts from.
type held struct {
	known      bool // the certificate is in the store
	kind       policy.KeyKind
	protection policy.KeyProtection
	profile    string
	lifetime   time.Duration // of the profile
}

// renewsFrom reads what a device holds.
func (s *Service) renewsFrom(r Reader, d *Device) (held, error) {
	has := held{protection: d.Protection(), profile: DefaultProfile}
	if d.Newest != nil {
		c, err := r.Certificate(d.Newest.Serial)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return has, err
		}
		if parsed, parseErr := x509.ParseCertificate(c.DER); err == nil && parseErr == nil {
			has.kind, has.known = policy.KeyKindOf(parsed.PublicKey)
			has.profile = c.Profile
		}
	}
	if profile, ok := s.live().profiles[has.profile]; ok {
		has.lifetime = profile.Lifetime()
	}
	return has, nil
}

// renewalChange tells whether a change of policy changes the renewal of a device
// that holds something, and how.
func (s *Service) renewalChange(has held, c policy.Change, before, later *place) (was, is string, ok bool) {
	taken := func(accepts bool) string {
		if accepts {
			return "renews"
		}
		return "refused"
	}
	differ := func(b, l string) (string, string, bool) { return b, l, b != l }
	switch c.Field {
	case policy.FieldProfile:
		return differ(wanted(before, has), wanted(later, has))
	case policy.FieldLifetime:
		return differ(text(before.policy.Lifetime(has.lifetime)), text(later.policy.Lifetime(has.lifetime)))
	case policy.FieldKeys:
		if !has.known {
			return "", "", false
		}
		return differ(taken(before.policy.AcceptsKey(has.kind)), taken(later.policy.AcceptsKey(has.kind)))
	case policy.FieldKeyProtection:
		return differ(taken(before.policy.AcceptsProtection(has.protection)), taken(later.policy.AcceptsProtection(has.protection)))
	case policy.FieldEvidence:
		return differ(taken(before.policy.AcceptsEvidence(policy.Certificate)), taken(later.policy.AcceptsEvidence(policy.Certificate)))
	case policy.FieldRenewalWindow, policy.FieldGrace, policy.FieldForks, policy.FieldOwnerInCertificate:
		return c.Before.Text, c.After.Text, true
	case policy.FieldApproval, policy.FieldApprovalOver, policy.FieldApprovalLifetime:
		return "", "", false // nothing of a renewal
	default:
		return "", "", false
	}
}

func wanted(at *place, has held) string {
	if profile, set := at.policy.Profile(); set {
		return profile
	}
	return has.profile
}

func text(d time.Duration) string { return policy.Duration(d).String() }
