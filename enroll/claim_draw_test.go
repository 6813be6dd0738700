package enroll_test

import (
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestWhoDrawsClaimCodes(t *testing.T) {
	r := newRig(t)
	machine := r.devices(1, func(o *enroll.NewOrder) { o.Model = "GW" })[0]
	line := r.certified(machine)
	station := holding("line-3", identity.Station, "/berlin")
	order := r.order(3, func(o *enroll.NewOrder) { o.Stations = []string{line.ID(), station.ID()} })
	issued, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	id, other := string(issued.Device), string(machine.Device)
	type attempt struct {
		p         identity.Principal
		of        string
		want      enroll.Code
		grant     string
		afterward bool // once the order is closed
	}
	attempts := map[string]attempt{
		"an operator":                    {p: holding("olga", identity.Operator, "/berlin"), of: id, grant: "configuration:operator"},
		"an operator of another branch":  {p: holding("otto", identity.Operator, "/hamburg"), of: id, want: enroll.NotFound},
		"security":                       {p: holding("sam", identity.Security, "/berlin"), of: id, want: enroll.Forbidden},
		"a station's certificate":        {p: line, of: id, grant: "order"},
		"a station":                      {p: station, of: id, grant: "configuration:station"},
		"a station, of another order's":  {p: station, of: other, want: enroll.NotFound},
		"a station that is not named":    {p: holding("line-4", identity.Station, "/berlin"), of: id, want: enroll.NotFound},
		"a device, of itself":            {p: identity.Principal{Kind: identity.Certificate, Device: issued.Device}, of: id, want: enroll.NotFound},
		"a person who holds nothing":     {p: person("eve"), of: id, want: enroll.Forbidden},
		"nobody":                         {of: id, want: enroll.Unauthenticated},
		"a station, of no device":        {p: station, of: "TH20-XX", want: enroll.NotFound},
		"a station after the order":      {p: station, of: id, want: enroll.NotFound, afterward: true},
		"an operator after the order":    {p: holding("olga", identity.Operator, "/berlin"), of: id, grant: "configuration:operator", afterward: true},
		"the break-glass administrator":  {p: identity.NewBreakGlass(), of: id, grant: "break-glass"},
		"a station's, after the order":   {p: line, of: id, want: enroll.NotFound, afterward: true},
		"a station's, of another's, too": {p: line, of: other, want: enroll.NotFound},
	}
	try := func(name string, c attempt) {
		t.Run(name, func(t *testing.T) {
			_, err := r.DrawClaimCode(t.Context(), c.p, c.of, 0)
			if c.want != "" {
				wantCode(t, err, c.want)
				return
			}
			check(t, err)
			if event := r.last(enroll.ClaimCodeDrawn); event.Grant != c.grant {
				t.Errorf("recorded with the grant %q, want %q", event.Grant, c.grant)
			}
		})
	}
	for name, c := range attempts {
		if !c.afterward {
			try(name, c)
		}
	}
	_, err = r.EditOrder(t.Context(), r.admin, string(order.ID), enroll.OrderEdit{Closes: ptrTime(r.clock.Now().Add(time.Hour))})
	check(t, err)
	r.clock.advance(2 * time.Hour)
	for name, c := range attempts {
		if c.afterward {
			try(name, c)
		}
	}
}

func ptrTime(t time.Time) *time.Time { return &t }

// Whoever may draw codes does not come to hold devices by them.
func TestNobodyClaimsWithACodeOfTheirOwn(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	operator := holding("olga", identity.Operator, "/berlin")
	token := identity.Principal{Kind: identity.ScopedToken, Token: "t1", Maker: person("otto").ID()}
	drawn, err := r.DrawClaimCode(t.Context(), operator, string(issued.Device), 0)
	check(t, err)
	_, err = r.ConfirmClaim(t.Context(), operator, drawn.Code, home)
	wantCode(t, err, enroll.Forbidden)
	for _, p := range []identity.Principal{token, identity.NewBreakGlass(), {Kind: identity.Certificate, Device: issued.Device}} {
		_, err = r.ConfirmClaim(t.Context(), p, drawn.Code, home)
		wantCode(t, err, enroll.Forbidden)
		_, err = r.LookUpClaim(t.Context(), p, drawn.Code, home)
		wantCode(t, err, enroll.Forbidden)
		wantCode(t, r.DenyClaim(t.Context(), p, drawn.Code, home), enroll.Forbidden)
	}
	_, err = r.LookUpClaim(t.Context(), identity.Principal{}, drawn.Code, home)
	wantCode(t, err, enroll.Unauthenticated)
	_, err = r.StartClaim(t.Context(), operator)
	wantCode(t, err, enroll.Forbidden)
	_, err = r.ConfirmClaim(t.Context(), person("bob"), drawn.Code, home)
	check(t, err)
	mine, err := r.DrawClaimCode(t.Context(), r.admin, string(r.enrolledAt("SN9").Device), 0)
	check(t, err)
	_, err = r.ConfirmClaim(t.Context(), r.admin, mine.Code, home) // who may hold it anyway
	check(t, err)
}

func (r *rig) enrolledAt(serial string) enroll.Issued {
	r.tb.Helper()
	issued, _ := r.enrolled(serial)
	return issued
}

// A code can be drawn before the device is there, and opens once it is.
func TestClaimCodeOfAnExpectedDevice(t *testing.T) {
	r := newRig(t)
	order := r.order(1, func(o *enroll.NewOrder) { o.Serials = []string{"SN1"} })
	code := r.drawn("TH20-SN1")
	_, err := r.ConfirmClaim(t.Context(), person("bob"), code, home)
	wantCode(t, err, enroll.WrongState)
	_, err = r.vouch(order, "SN1", newKey(t))
	check(t, err)
	_, err = r.ConfirmClaim(t.Context(), person("bob"), code, home)
	check(t, err)
}
