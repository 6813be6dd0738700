package enroll_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// run takes so many steps, and looks after each whether all is as the model says.
func (w *walk) run(steps int) {
	w.tb.Helper()
	for i := range steps {
		if err := w.step(i); err != nil {
			w.fail(err)
		}
	}
	if err := errors.Join(w.checkIndexes(), w.checkFresh()); err != nil {
		w.fail(err)
	}
}

func (w *walk) step(i int) error {
	still := w.powers()
	w.pass()
	if err := still.grown(w.powers(), nil); err != nil {
		return fmt.Errorf("as time passed: %w", err)
	}
	p := w.somebody()
	before, owned := w.powers(), w.belongings()
	if p.Kind == identity.OIDC { // as their door does, before the call goes on
		if err := w.Arrived(w.tb.Context(), p); err != nil {
			return err
		}
		w.model.arrive(p)
	}
	a := w.try(p)
	given := w.power(append(slices.Clone(a.doers), p)) // their call alone changes what their tokens hold
	if err := w.make(a); err != nil {
		return fmt.Errorf("%s tries to %s: %w", a.who.ID(), a.words, err)
	}
	w.count(a)
	w.note("%s: %s -> %s", a.who.ID(), a.words, a.outcome())
	err := errors.Join(before.grown(w.powers(), given), w.ownsMore(owned, before.fleets, given, a), w.checkPowers(i%10 == 0), w.checkDevices(), w.checkAnswers(), w.checkLists())
	if i%25 == 24 {
		err = errors.Join(err, w.checkIndexes())
	}
	if i%75 == 74 {
		err = errors.Join(err, w.checkFresh())
	}
	return err
}

// pass lets time pass: seconds, and now and then hours.
func (w *walk) pass() {
	d := time.Duration(1+w.rand.IntN(90)) * time.Second
	switch {
	case w.chance(3):
		d = time.Duration(1+w.rand.IntN(48)) * time.Hour
	case w.chance(10):
		d = time.Duration(1+w.rand.IntN(90)) * time.Minute
	}
	w.clock.advance(d)
	w.model.now = w.clock.Now()
}

// somebody is who tries something: mostly a person, whose groups change now and then.
func (w *walk) somebody() identity.Principal {
	m := w.model
	switch n := w.rand.IntN(100); {
	case n < 4:
		return identity.NewBreakGlass()
	case n < 12:
		return m.devices[w.rand.IntN(len(m.devices))].principal()
	case n < 25 && len(m.tokens) > 0:
		return pick(w, m.tokens).principal()
	case n < 26 && len(w.gone) > 0:
		return pick(w, w.gone)
	case n < 34:
		if p, offered := w.offered(); offered {
			return p
		}
	}
	i := w.rand.IntN(len(w.people))
	if i > 0 && w.chance(8) {
		var groups []string
		for _, group := range append(w.groupNames(), "operator", "security") {
			if w.chance(30) {
				groups = append(groups, group)
			}
		}
		w.people[i] = person(w.people[i].Subject, groups...)
		w.note("%s is in %v from now on", w.people[i].Subject, groups)
	}
	return w.people[i]
}

// offered is somebody to whom a device is offered.
func (w *walk) offered() (identity.Principal, bool) {
	d := pick(w, w.model.devices)
	at := slices.IndexFunc(w.people, func(p identity.Principal) bool { return d.offer != nil && d.offer.to == p.ID() })
	if at < 0 {
		return identity.Principal{}, false
	}
	return w.people[at], true
}

// stepKind is one kind of what can be tried.
type stepKind struct {
	name  string
	often int
	of    func(identity.Principal) *attempt // nil where there is nothing to try it on
}

func (w *walk) kinds() []stepKind {
	return []stepKind{
		{"create grant", 10, w.createGrant},
		{"delete grant", 6, w.dropGrant},
		{"put role", 4, w.putRole},
		{"delete role", 1, w.dropRole},
		{"create fleet", 4, w.createFleet},
		{"edit fleet", 10, w.editFleet},
		{"delete fleet", 3, w.deleteFleet},
		{"set policy", 7, w.setPolicy},
		{"create token", 6, w.createToken},
		{"rotate token", 3, w.rotateToken},
		{"revoke token", 2, w.revokeToken},
		{"act", 8, w.act},
		{"assign", 8, w.assign},
		{"disown", 3, w.disown},
		{"offer", 5, w.offer},
		{"answer", 6, w.answer},
		{"draw code", 5, w.drawCode},
		{"start claim", 3, w.startClaim},
		{"confirm", 6, w.confirm},
		{"decide", 20, w.decide},
		{"start job", 3, w.startJob},
		{"jobs", 2, w.jobs},
	}
}

// try has somebody try something.
func (w *walk) try(p identity.Principal) *attempt {
	kinds, all := w.kinds(), 0
	for _, kind := range kinds {
		all += kind.often
	}
	for {
		n := w.rand.IntN(all)
		at := slices.IndexFunc(kinds, func(kind stepKind) bool {
			n -= kind.often
			return n < 0
		})
		if a := kinds[at].of(p); a != nil {
			a.kind = kinds[at].name
			return a
		}
	}
}
