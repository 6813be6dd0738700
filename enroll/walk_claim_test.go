package enroll_test

import (
	"context"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// claimable is what refuses a claim of a device; free says that nobody else owns it.
func (d *modelDevice) claimable(free bool) enroll.Code {
	switch {
	case !free:
		return enroll.Conflict
	case d.state != identity.Active:
		return enroll.WrongState
	default:
		return ""
	}
}

// drawCode draws the code by which a device is claimed.
func (w *walk) drawCode(p identity.Principal) *attempt {
	m, d := w.model, w.deviceFor(p, identity.ClaimDraw)
	a := w.attempt(p, "draw a code for %s", d.id)
	known := p.Kind == identity.Certificate || m.anywhere(p, identity.ClaimDraw) || m.anywhere(p, identity.DeviceEnrol) || m.anywhere(p, identity.DeviceEnrolAny)
	switch {
	case !known:
		a.refuse(enroll.Forbidden)
	case !m.may(p, identity.ClaimDraw, d.fleet):
		a.refuse(m.deviceSeen(p, d))
	default:
		a.refuse(d.claimable(d.owner == ""))
	}
	var drawn enroll.DrawnCode
	a.call = func(ctx context.Context) (err error) {
		drawn, err = w.DrawClaimCode(ctx, p, string(d.id), claimTime)
		return err
	}
	a.done = func(m *model) {
		d.drawn = &modelCode{code: drawn.Code, by: p.Responsible(), made: m.now, until: m.now.Add(claimTime)}
		w.codes = append(w.codes, walkCode{d, d.drawn})
	}
	return a
}

// startClaim has a device show a code to whoever stands before it.
func (w *walk) startClaim(p identity.Principal) *attempt {
	m := w.model
	at := slices.IndexFunc(m.devices, func(d *modelDevice) bool { return d.id == p.Device })
	if at < 0 {
		return nil
	}
	d := m.devices[at]
	a := w.attempt(p, "%s starts a claim", d.id)
	if a.refuse(d.claimable(d.owner == "")); a.want.code == "" && d.started != nil && m.now.Before(d.started.made.Add(time.Minute)) {
		a.refuse(enroll.RateLimited)
	}
	var started enroll.StartedClaim
	a.call = func(ctx context.Context) (err error) {
		started, err = w.StartClaim(ctx, p)
		return err
	}
	a.done = func(m *model) {
		d.started = &modelCode{code: started.UserCode, made: m.now, until: m.now.Add(enroll.ClaimLifetime)}
		w.codes = append(w.codes, walkCode{d, d.started})
	}
	return a
}

// walkCode is a code that was told, whether or not it still opens anything.
type walkCode struct {
	device *modelDevice
	code   *modelCode
}

// confirm shows a code that was told.
func (w *walk) confirm(p identity.Principal) *attempt {
	if len(w.codes) == 0 {
		return nil
	}
	c := w.codes[len(w.codes)-1]
	if w.chance(50) {
		c = pick(w, w.codes)
	}
	m, d, code := w.model, c.device, c.code
	opens := (d.drawn == code || d.started == code) && !code.spent && m.now.Before(code.until)
	free := d.owner == "" && (d.group == "" || m.owns(p, &modelDevice{group: d.group}))
	a := w.attempt(p, "claim %s", d.id)
	switch {
	case p.Kind != identity.OIDC:
		a.refuse(enroll.Forbidden)
	case !opens:
		a.refuse(enroll.NotFound)
	case d.claimable(free) != "":
		a.refuse(d.claimable(free))
	case code.by == p.ID() && !m.mayAll(p, d.fleet):
		a.refuse(enroll.Forbidden)
	}
	a.call = func(ctx context.Context) error {
		_, err := w.ConfirmClaim(ctx, p, code.code, "192.0.2.7")
		return err
	}
	a.done = func(*model) { d.belong(p.ID(), d.group) }
	a.comesToOwn = true
	return a
}
