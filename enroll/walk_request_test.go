package enroll_test

import (
	"context"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// modelDeed is what may have to wait for a second person. It is weighed when it is
// asked for, and again when it is approved.
type modelDeed interface {
	weigh(m *model, p identity.Principal) verdict
	apply(m *model, p identity.Principal)
}

// modelRequest is a deed that waits, or what became of it.
type modelRequest struct {
	id         string
	deed       modelDeed
	words      string
	maker      identity.Principal
	permission identity.Permission
	places     []*modelFleet
	devices    int
	expires    time.Time
	state      enroll.ApprovalState
}

// mayDecide reports whether somebody holds a request's permission wherever it is
// about.
func (m *model) mayDecide(p identity.Principal, r *modelRequest) bool {
	return !slices.ContainsFunc(r.places, func(at *modelFleet) bool { return !m.may(p, r.permission, at) })
}

// made reports whether somebody made a request, by a token of theirs or without. A
// token knows its own alone.
func (r *modelRequest) made(p identity.Principal) bool {
	if p.Kind == identity.ScopedToken {
		return p.ID() == r.maker.ID()
	}
	return p.Responsible() == r.maker.Responsible()
}

// request is what comes of deciding, or taking back, a request: before anything else
// it must be one that they may know of, and wait.
func (m *model) request(p identity.Principal, r *modelRequest) enroll.Code {
	switch {
	case !m.mayDecide(p, r) && !r.made(p):
		return enroll.NotFound
	case r.state != enroll.RequestWaiting || !m.now.Before(r.expires):
		return enroll.WrongState
	default:
		return ""
	}
}

// decision is request for who decides: a person, or a token of theirs, other than who
// made it.
func (m *model) decision(p identity.Principal, r *modelRequest) enroll.Code {
	if code := m.request(p, r); code != "" {
		return code
	}
	if p.Responsible() == r.maker.Responsible() || p.Kind == identity.Certificate {
		return enroll.Forbidden
	}
	return ""
}

// approve is what comes of approving a request: it is done as its maker is known now,
// no further than it says, and only if both may do it.
func (m *model) approve(p identity.Principal, r *modelRequest) (verdict, identity.Principal) {
	maker := m.remembered(r.maker)
	switch code := m.decision(p, r); {
	case code != "":
		return refused(code), maker
	case m.gone(maker):
		return refused(enroll.Conflict), maker
	}
	v := r.deed.weigh(m, maker)
	if v.code == enroll.Forbidden || v.code == enroll.NotFound {
		v.code = enroll.Conflict
	}
	elsewhere := slices.ContainsFunc(v.places, func(at *modelFleet) bool { return !slices.Contains(r.places, at) })
	if v.code == "" && (elsewhere || v.devices > r.devices) {
		v.code = enroll.Conflict
	}
	if v.code == "" && slices.ContainsFunc(v.places, func(at *modelFleet) bool { return !m.may(p, v.permission, at) }) {
		v.code = enroll.Forbidden
	}
	return v, maker
}

// gone reports whether nobody can be somebody any more: the holder of a token that was
// revoked, or of the certificate of a device that was withdrawn.
func (m *model) gone(p identity.Principal) bool {
	switch p.Kind {
	case identity.ScopedToken:
		return m.token(p.Token) == nil
	case identity.Certificate:
		return !slices.ContainsFunc(m.devices, func(d *modelDevice) bool { return d.id == p.Device && d.state == identity.Active })
	default:
		return false
	}
}

// ask keeps a deed that waits. Who asks for the same again is told of the request that
// there is.
func (m *model) ask(p identity.Principal, a *attempt, asked *enroll.Approval) {
	if slices.ContainsFunc(m.requests, func(r *modelRequest) bool { return r.id == string(asked.ID) && m.request(p, r) == "" && r.made(p) }) {
		return
	}
	m.remember(p)
	m.requests = append(m.requests, &modelRequest{
		id: string(asked.ID), deed: a.deed, words: a.words, maker: p, permission: a.want.permission, places: a.want.places, devices: a.want.devices,
		expires: m.now.Add(24 * time.Hour), state: enroll.RequestWaiting,
	})
}

// carryOut does a deed.
func (m *model) carryOut(p identity.Principal, d modelDeed, v verdict) {
	if v.subject == policy.SubjectActions && !v.nothing {
		m.acts = append(m.acts, modelAct{p.Responsible(), m.now, v.devices})
	}
	d.apply(m, p)
}

// decide approves, denies or withdraws a request.
func (w *walk) decide(p identity.Principal) *attempt {
	m := w.model
	r := w.waiting(p)
	if r == nil {
		return nil
	}
	switch how := w.rand.IntN(20); {
	case how < 15:
		v, maker := m.approve(p, r)
		a := w.attempt(p, "approve %s (%s)", r.id, r.words)
		a.want = refused(v.code)
		a.doers = append(a.doers, maker)
		a.call = func(ctx context.Context) error {
			_, err := w.Approve(ctx, p, r.id, "")
			return err
		}
		a.done = func(m *model) {
			m.carryOut(maker, r.deed, v)
			r.state = enroll.RequestApproved
		}
		return a
	case how < 17:
		a := w.attempt(p, "deny %s", r.id)
		a.refuse(m.decision(p, r))
		a.call = func(ctx context.Context) error {
			_, err := w.Deny(ctx, p, r.id, "")
			return err
		}
		a.done = func(*model) { r.state = enroll.RequestDenied }
		return a
	default:
		a := w.attempt(p, "withdraw %s", r.id)
		if a.refuse(m.request(p, r)); a.want.code == "" && !r.made(p) {
			a.refuse(enroll.Forbidden)
		}
		a.call = func(ctx context.Context) error {
			_, err := w.Withdraw(ctx, p, r.id, "")
			return err
		}
		a.done = func(*model) { r.state = enroll.RequestWithdrawn }
		return a
	}
}

// waiting picks a request, mostly one that somebody can decide.
func (w *walk) waiting(p identity.Principal) *modelRequest {
	all := w.model.requests
	if len(all) == 0 {
		return nil
	}
	if w.chance(90) {
		open := slices.DeleteFunc(slices.Clone(all), func(r *modelRequest) bool {
			return w.model.request(p, r) != "" || w.chance(70) && p.Responsible() == r.maker.Responsible()
		})
		if len(open) == 0 {
			return nil
		}
		all = open
	}
	return pick(w, all)
}
