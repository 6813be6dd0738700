package enroll_test

import (
	"slices"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Who is behind a pseudonym is told to those who may see something of theirs, and not
// to all who may read devices somewhere.
func TestPeopleAreKnownWhereTheirDevicesAre(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1") // in /berlin/line-3
	r.fleet("/munich")
	bob := person("bob")
	owned, err := r.AssignOwner(t.Context(), r.admin, string(issued.Device), enroll.NewOwner{User: ptr(bob.ID())})
	check(t, err)
	for name, c := range map[string]struct {
		p    identity.Principal
		want enroll.Code
	}{
		"of the branch":        {holding("olga", identity.Operator, "/berlin"), ""},
		"of the whole tree":    {holding("sam", identity.Security, "/"), ""},
		"oneself":              {bob, ""},
		"of another branch":    {holding("otto", identity.Operator, "/munich"), enroll.NotFound},
		"who reads no devices": {person("eve"), enroll.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			known, err := r.User(t.Context(), c.p, owned.Owner)
			if c.want != "" {
				wantCode(t, err, c.want)
			} else if err != nil || known.ID != bob.ID() {
				t.Errorf("told %+v, %v", known, err)
			}
		})
	}
}

// Who may let devices in is told where that is changed, people by pseudonym.
func TestRecordsTellTheStationsOfOrders(t *testing.T) {
	r := newRig(t)
	gateway, _ := r.enrolled("GW1")
	order := r.order(1)
	line := holding("line", identity.Station, "/berlin")
	_, err := r.EditOrder(t.Context(), r.admin, string(order.ID), enroll.OrderEdit{Stations: &[]string{r.certified(gateway).ID(), line.ID()}})
	check(t, err)
	events := r.log()
	last := events[len(events)-1]
	if last.Kind != enroll.OrderEdited || len(last.Stations) != 2 || last.Stations[0] != "device:TH20-GW1" || slices.Contains(last.Stations, line.ID()) {
		t.Errorf("the log says %+v", last)
	}
}
