package enroll_test

import (
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity/policy"
)

// A move is weighed by what all roles give that it brings: one that cannot be read may
// give anything.
func TestAMovePastARoleThatCannotBeRead(t *testing.T) {
	r := newTokenRig(t)
	_, err := r.PutRole(t.Context(), r.admin, "watch", []string{"device.read"})
	check(t, err)
	r.grant(person("eve").ID(), "watch", "/paris")
	r.write(func(tx enroll.Tx) error { return tx.PutDocument(enroll.RoleDocument, "watch", []byte("{")) })
	_, err = r.EditFleet(t.Context(), r.admin, "/berlin/line-3", enroll.FleetEdit{Parent: "/paris"})
	if err == nil {
		t.Fatal("the branch was moved")
	}
}

// A move changes what may hold below, where the fleet itself says the same afterwards.
func TestAMoveThatLetsLooserPolicyHoldBelow(t *testing.T) {
	r := newRig(t)
	r.fleet("/loose")
	r.fleet("/strict/x/y")
	brief, long := policy.Config{Lifetime: lasts(24 * time.Hour)}, policy.Config{Lifetime: lasts(90 * 24 * time.Hour)}
	r.say("/strict/x/y", long)
	r.say("/strict", brief)
	brief.Loosen = []policy.Field{policy.FieldLifetime}
	r.say("/loose", brief)
	_, err := r.PutRole(t.Context(), r.admin, "mover", []string{"fleet.read", "fleet.edit"})
	check(t, err)
	mo := person("mo")
	r.grant(mo.ID(), "mover", "/", time.Time{})
	_, err = r.EditFleet(t.Context(), mo, "/strict/x", enroll.FleetEdit{Parent: "/loose"})
	wantCode(t, err, enroll.Forbidden)
}
