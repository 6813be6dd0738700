package enroll_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// powers is what everybody may do, where, and until when, as the model says.
type powers struct {
	who    []identity.Principal
	fleets []*modelFleet
	until  map[string][]int64
}

const forever = math.MaxInt64

// powers is the power of everybody who takes part.
func (w *walk) powers() powers {
	m := w.model
	all := powers{who: w.principals(), fleets: slices.Clone(m.fleets), until: map[string][]int64{}}
	for _, p := range all.who {
		all.until[p.ID()] = m.powerOf(p)
	}
	return all
}

// powerOf says until when somebody may do something somewhere, in Unix seconds: by
// fleets, and within them by permissions; 0 for not at all.
func (m *model) powerOf(p identity.Principal) []int64 {
	n := len(identity.Permissions())
	power := make([]int64, len(m.fleets)*n)
	for _, h := range m.holds(p) {
		until := int64(forever)
		if !h.until.IsZero() {
			until = h.until.Unix()
		}
		for i, f := range m.fleets {
			if !f.within(h.fleet) {
				continue
			}
			for permission := range n {
				if h.may&(1<<permission) != 0 {
					power[i*n+permission] = max(power[i*n+permission], until)
				}
			}
		}
	}
	return power
}

func (w *walk) principals() []identity.Principal {
	all := slices.Clone(w.people)
	for _, d := range w.model.devices[:2] {
		all = append(all, d.principal())
	}
	for _, t := range w.model.tokens {
		all = append(all, t.principal())
	}
	return append(all, w.gone...)
}

// grown reports whose power grew beyond what those held who did it. At a fleet that
// is new everybody has what they had above it.
func (before powers) grown(after powers, given [][]int64) error {
	n := len(identity.Permissions())
	stood := make([]int, len(after.fleets))
	for i, fleet := range after.fleets {
		for !slices.Contains(before.fleets, fleet) {
			fleet = fleet.above
		}
		stood[i] = slices.Index(before.fleets, fleet)
	}
	for _, p := range after.who {
		was, is := before.of(p), after.until[p.ID()]
		for at := range is {
			then := stood[at/n]*n + at%n
			if is[at] <= was[then] || slices.ContainsFunc(given, func(power []int64) bool { return power[then] >= is[at] }) {
				continue
			}
			return fmt.Errorf("%s came to hold %s on %s until %s, which none of those who did it held there for so long",
				p.ID(), identity.Permissions()[at%n], after.fleets[at/n].path(), time.Unix(is[at], 0).UTC())
		}
	}
	return nil
}

// of is the power of somebody, who may have been nobody then.
func (before powers) of(p identity.Principal) []int64 {
	if power := before.until[p.ID()]; power != nil {
		return power
	}
	return make([]int64, len(before.fleets)*len(identity.Permissions()))
}

// power is what those have between them by whose doing something is done, at the time.
func (w *walk) power(doers []identity.Principal) (all [][]int64) {
	for _, p := range doers {
		all = append(all, w.model.powerOf(p))
	}
	return all
}

// belongings are whom the devices belong to.
func (w *walk) belongings() (all []modelDevice) {
	for _, d := range w.model.devices {
		all = append(all, *d)
	}
	return all
}

// ownsMore reports who came to own a device by their own doing without having held
// there what owners may. What is approved is the doing of whoever asked for it, and
// they are in the groups that they were last seen in.
func (w *walk) ownsMore(before []modelDevice, fleets []*modelFleet, held [][]int64, a *attempt) error {
	if a.comesToOwn {
		return nil
	}
	m, n := w.model, len(identity.Permissions())
	last := len(a.doers) - 1
	self := m.answers(a.doers[last])
	for i, d := range m.devices {
		if !m.owns(self, d) || m.owns(self, &before[i]) {
			continue
		}
		for _, permission := range ownersMay() {
			if held[last][slices.Index(fleets, d.fleet)*n+slices.Index(identity.Permissions(), permission)] == 0 {
				return fmt.Errorf("%s came to own %s by their own doing, and did not hold %s there", self.ID(), d.id, permission)
			}
		}
	}
	return nil
}

// checkPowers compares what the service decides with what the model says: all of it,
// or of each principal and fleet a few permissions.
func (w *walk) checkPowers(all bool) error { return w.comparePowers(w.Service, all) }

func (w *walk) comparePowers(s *enroll.Service, all bool) error {
	n := len(identity.Permissions())
	return w.store.View(w.tb.Context(), func(r enroll.Reader) error {
		for _, p := range append(w.principals(), identity.NewBreakGlass()) {
			power := w.model.powerOf(p)
			may, err := s.Deciding(r, p)
			if err != nil {
				return err
			}
			for i, f := range w.model.fleets {
				for k, permission := range identity.Permissions() {
					if !all && w.rand.IntN(4) > 0 {
						continue
					}
					allowed, err := may(permission, f.id)
					if err != nil {
						return err
					}
					if want := power[i*n+k] != 0; allowed != want {
						return fmt.Errorf("%s may %s on %s: %v, and the model says %v", p.ID(), permission, f.path(), allowed, want)
					}
				}
			}
		}
		return nil
	})
}

// checkDevices compares the devices themselves, and who may read a few of them.
func (w *walk) checkDevices() error {
	root := identity.NewBreakGlass()
	for _, d := range w.model.devices {
		info, err := w.Device(w.tb.Context(), root, string(d.id))
		if err != nil {
			return err
		}
		if info.State != d.state || info.Owner != w.pseudonym(d.owner) || info.OwnerGroup != d.group || string(info.FleetPath) != d.fleet.path() {
			return fmt.Errorf("%s is %s, of %s and %s in %s; the model has it %s, of %s and %s in %s",
				d.id, info.State, info.Owner, info.OwnerGroup, info.FleetPath, d.state, w.pseudonym(d.owner), d.group, d.fleet.path())
		}
	}
	for range 3 {
		p, d := pick(w, w.principals()), pick(w, w.model.devices)
		_, err := w.Device(w.tb.Context(), p, string(d.id))
		want := enroll.Code("")
		if may, _ := w.model.mayWith(p, identity.DeviceRead, d); !may {
			if want = enroll.NotFound; !w.model.needs(p, identity.DeviceRead) {
				want = enroll.Forbidden
			}
		}
		if got := codeOf(err); got != want {
			return fmt.Errorf("%s reads %s, which is to end as %q: %w", p.ID(), d.id, want, err)
		}
	}
	return nil
}

// codeOf returns the code of a refusal; empty for success.
func codeOf(err error) enroll.Code {
	var refusal *enroll.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Code
	default:
		return enroll.Internal
	}
}
