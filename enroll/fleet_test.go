package enroll_test

import (
	"errors"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

func (r *rig) fleet(path string) enroll.FleetInfo {
	r.tb.Helper()
	info, err := r.CreateFleet(r.tb.Context(), r.admin, path)
	check(r.tb, err)
	return info
}

// say sets a fleet's own policy.
func (r *rig) say(fleet string, own policy.Config) enroll.FleetInfo {
	r.tb.Helper()
	info, err := r.SetFleetPolicy(r.tb.Context(), r.admin, fleet, own, 0)
	check(r.tb, err)
	return info
}

func lasts(d time.Duration) *policy.Duration { return new(policy.Duration(d)) }

func TestFleetsAreRenamedAndMovedWithoutTouchingDevices(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1") // in /berlin/line-3
	line, err := r.Fleet(t.Context(), r.admin, "/berlin/line-3")
	check(t, err)
	before := r.device(issued.Device)
	r.fleet("/hamburg/hall-2")

	_, err = r.EditFleet(t.Context(), r.admin, "/berlin/line-3", enroll.FleetEdit{Name: "line-4"})
	check(t, err)
	moved, err := r.EditFleet(t.Context(), r.admin, string(line.ID), enroll.FleetEdit{Parent: "/hamburg/hall-2"})
	check(t, err)
	after := r.device(issued.Device)
	if moved.Path != "/hamburg/hall-2/line-4" || after.FleetPath != moved.Path || moved.ID != line.ID {
		t.Errorf("the device is in %s", after.FleetPath)
	}
	if after.Version != before.Version || !after.ChangedAt.Equal(before.ChangedAt) {
		t.Error("the device's record was rewritten")
	}
	events := r.log()
	if last := events[len(events)-1]; last.Kind != enroll.FleetMoved || last.Before != "/berlin/line-4" || last.Fleet != moved.Path || last.FleetID != line.ID {
		t.Errorf("the log says %+v", last)
	}
	for name, c := range map[string]struct {
		fleet string
		edit  enroll.FleetEdit
		want  enroll.Code
	}{
		"the root":                    {"/", enroll.FleetEdit{Name: "x"}, enroll.WrongState},
		"below itself":                {"/hamburg", enroll.FleetEdit{Parent: "/hamburg/hall-2"}, enroll.Conflict},
		"right below itself":          {"/hamburg", enroll.FleetEdit{Parent: "/hamburg"}, enroll.Conflict},
		"to a name that is taken":     {"/hamburg", enroll.FleetEdit{Name: "berlin"}, enroll.Conflict},
		"to no name":                  {"/hamburg", enroll.FleetEdit{Name: "a/b"}, enroll.BadRequest},
		"to dots":                     {"/hamburg", enroll.FleetEdit{Name: ".."}, enroll.BadRequest},
		"a fleet that there is not":   {"/nowhere", enroll.FleetEdit{Name: "x"}, enroll.NotFound},
		"an id that there is not":     {"0123456789", enroll.FleetEdit{Name: "x"}, enroll.NotFound},
		"below one that there is not": {"/hamburg", enroll.FleetEdit{Parent: "/nowhere"}, enroll.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.EditFleet(t.Context(), r.admin, c.fleet, c.edit)
			wantCode(t, err, c.want)
		})
	}
}

// Power goes with the tree: a move gives nobody, the mover least of all, what the
// mover does not hold on the branch that moves.
func TestMovesGiveNoPower(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1")
	r.fleet("/hamburg/hall-2")
	boss, guard, mover, carrier := person("boss"), person("guard"), person("mover"), person("carrier")
	r.grant(boss.ID(), "admin", "/hamburg", time.Time{})
	r.grant(guard.ID(), "security", "/berlin", time.Time{})
	_, err := r.PutRole(t.Context(), r.admin, "mover", []string{"fleet.read", "fleet.edit"})
	check(t, err)
	for _, p := range []identity.Principal{mover, boss} {
		r.grant(p.ID(), "mover", "/berlin/line-3", time.Time{})
	}
	r.grant(mover.ID(), "mover", "/hamburg", time.Time{})
	r.grant(carrier.ID(), "admin", "/", r.clock.Now().Add(time.Hour))

	// boss would gain the device, and guard would lose it.
	for _, p := range []identity.Principal{mover, boss, carrier} {
		_, err = r.EditFleet(t.Context(), p, "/berlin/line-3", enroll.FleetEdit{Parent: "/hamburg"})
		wantCode(t, err, enroll.Forbidden)
	}
	_, err = r.Device(t.Context(), boss, string(issued.Device))
	wantCode(t, err, enroll.NotFound)
	_, err = r.EditFleet(t.Context(), r.admin, "/berlin/line-3", enroll.FleetEdit{Parent: "/hamburg"})
	check(t, err)
	_, err = r.Device(t.Context(), boss, string(issued.Device))
	check(t, err)
	_, err = r.Device(t.Context(), guard, string(issued.Device))
	wantCode(t, err, enroll.NotFound)
}

func TestMovesChangePolicyOnlyForWhoMaySetIt(t *testing.T) {
	r := newRig(t)
	r.fleet("/strict")
	r.fleet("/loose/line")
	r.say("/strict", policy.Config{Lifetime: lasts(time.Hour)})
	_, err := r.PutRole(t.Context(), r.admin, "mover", []string{"fleet.read", "fleet.edit", "grant.delete"})
	check(t, err)
	mover := person("mover")
	r.grant(mover.ID(), "mover", "/", time.Time{})
	_, err = r.EditFleet(t.Context(), mover, "/loose/line", enroll.FleetEdit{Parent: "/strict"})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.EditFleet(t.Context(), mover, "/loose/line", enroll.FleetEdit{Parent: "/"})
	check(t, err)
}

func TestPolicyIsRefusedWithAllItsFaults(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3")
	r.say("/berlin", policy.Config{Lifetime: lasts(12 * time.Hour), Keys: []policy.KeyKind{policy.ECDSAP256}})
	_, err := r.SetFleetPolicy(t.Context(), r.admin, "/berlin/line-3", policy.Config{
		Profile: new("unheard-of"), Lifetime: lasts(24 * time.Hour), Keys: []policy.KeyKind{policy.RSA4096},
	}, 0)
	var refusal *enroll.Refusal
	if !errors.As(err, &refusal) || refusal.Code != enroll.BadRequest || len(refusal.Faults) != 3 {
		t.Fatalf("got %v with %+v, want three faults", err, refusal)
	}
	info := r.say("/berlin", policy.Config{Lifetime: lasts(6 * time.Hour)})
	_, err = r.SetFleetPolicy(t.Context(), r.admin, "/berlin", policy.Config{}, info.PolicyVersion-1)
	wantCode(t, err, enroll.Conflict)
	for _, own := range []enroll.FleetInfo{r.say("/berlin", policy.Config{}), r.say("/berlin", policy.Config{})} {
		if own.PolicyVersion != info.PolicyVersion+1 {
			t.Errorf("version %d after %d", own.PolicyVersion, info.PolicyVersion)
		}
	}
}

func TestPreviewTellsWhatWouldChange(t *testing.T) {
	r := newRig(t)
	order := r.order(5)
	for i := range 5 {
		_, err := r.enrol(serialOf(i), r.ticket(order, serialOf(i)), newKey(t))
		check(t, err)
	}
	guard := person("guard")
	r.grant(guard.ID(), "security", "/berlin", time.Time{})
	r.fleet("/hamburg")
	r.say("/hamburg", policy.Config{Lifetime: lasts(time.Hour), Keys: []policy.KeyKind{policy.Ed25519}})
	preview, err := r.PreviewFleet(t.Context(), r.admin, "/berlin/line-3", enroll.PreviewChange{Edit: enroll.FleetEdit{Parent: "/hamburg"}}, "")
	check(t, err)
	want := map[string]string{"lifetime": "24h to 1h", "keys": "renews to refused"}
	for _, c := range preview.Changes {
		if c.Devices != 5 || want[c.What] != c.Before+" to "+c.After {
			t.Errorf("%+v", c)
		}
		delete(want, c.What)
	}
	if preview.Devices != 5 || len(want) > 0 || len(preview.Shifts) != 1 || preview.Shifts[0].Gains || preview.Next != "" || len(preview.Fields) != 2 {
		t.Errorf("the preview is %+v", preview)
	}
	if r.device("TH20-"+identity.DeviceID(serialOf(0))).FleetPath != "/berlin/line-3" {
		t.Error("a preview moved the fleet")
	}
	preview, err = r.PreviewFleet(t.Context(), r.admin, "/", enroll.PreviewChange{Policy: &policy.Config{Lifetime: lasts(2 * time.Hour)}}, "")
	check(t, err)
	if len(preview.Changes) != 1 || preview.Changes[0].After != "2h" || preview.Changes[0].Devices != 5 {
		t.Errorf("the preview is %+v", preview)
	}
	_, err = r.PreviewFleet(t.Context(), guard, "/berlin/line-3", enroll.PreviewChange{Edit: enroll.FleetEdit{Parent: "/hamburg"}}, "")
	wantCode(t, err, enroll.Forbidden)
}
