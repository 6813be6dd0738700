package enroll_test

import (
	"math"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// modelPolicy is what a fleet itself says of what waits for a second person.
type modelPolicy struct {
	set      bool // whether it says which subjects wait
	subjects int  // a bit for each place in policy.Subjects
	overSet  bool // whether it says how many devices wait
	over     int
	loosen   bool // both of them
	version  uint64
}

// says is all but the version.
func (p modelPolicy) says() modelPolicy {
	p.version = 0
	return p
}

func (p modelPolicy) config() (c policy.Config) {
	if p.set {
		c.Approval = []policy.Subject{}
	}
	for i, subject := range policy.Subjects() {
		if p.subjects&(1<<i) != 0 {
			c.Approval = append(c.Approval, subject)
		}
	}
	if p.overSet {
		c.ApprovalOver = new(int64(p.over))
	}
	if p.loosen {
		c.Loosen = []policy.Field{policy.FieldApproval, policy.FieldApprovalOver}
	}
	return c
}

// modelHolds is what holds at a fleet, and the loosest that may be said below it.
type modelHolds struct {
	subjects, bound   int
	over, most        int
	closed, closedTop bool // whether there is a bound, of subjects and of the number
}

func (f *modelFleet) holds() modelHolds {
	if f == nil {
		return modelHolds{over: math.MaxInt, most: math.MaxInt}
	}
	return f.policy.below(f.above.holds())
}

func (p modelPolicy) below(h modelHolds) modelHolds {
	if p.set {
		if h.subjects = p.subjects | h.bound; !p.loosen {
			h.bound, h.closed = h.subjects, true
		}
	}
	if p.overSet {
		if h.over = min(p.over, h.most); !p.loosen {
			h.most, h.closedTop = h.over, true
		}
	}
	return h
}

// allows reports whether a fleet below may say that.
func (h modelHolds) allows(p modelPolicy) bool {
	return (!p.set || p.subjects|h.bound == p.subjects) && (!p.overSet || p.over <= h.most)
}

func (h modelHolds) waits(subject policy.Subject) bool {
	for i, one := range policy.Subjects() {
		if one == subject {
			return h.subjects&(1<<i) != 0
		}
	}
	return false
}

// modelAct is that somebody answers for having acted on so many devices.
type modelAct struct {
	who     string
	at      time.Time
	devices int
}

// lately is on how many devices somebody acted within an hour, by the minute.
func (m *model) lately(who string) (n int) {
	for _, act := range m.acts {
		if act.who == who && act.at.Unix()/60 > m.now.Unix()/60-60 {
			n += act.devices
		}
	}
	return n
}

// verdict is what is to come of something that is asked for: a refusal, that it
// waits, or that it is done.
type verdict struct {
	code enroll.Code // of the refusal; empty for none
	// permission is what a second person must hold at each of the places.
	permission identity.Permission
	places     []*modelFleet
	subject    policy.Subject // empty for what never waits
	devices    int
	owner      bool // by the power of an owner
	nothing    bool // all is so already
}

func refused(code enroll.Code) verdict { return verdict{code: code} }

// mustWait reports whether a second person has to agree.
func (m *model) mustWait(p identity.Principal, v verdict) bool {
	if p.Kind == identity.BreakGlass || v.owner || v.nothing || v.code != "" {
		return false
	}
	for _, at := range v.places {
		holds := at.holds()
		if holds.waits(v.subject) || v.subject == policy.SubjectActions && v.devices+m.lately(p.Responsible()) > holds.over {
			return true
		}
	}
	return v.subject == policy.SubjectAuthority && m.guarded(v.places[0])
}

// guarded reports whether some fleet of a branch has changes of authority wait.
func (m *model) guarded(branch *modelFleet) bool {
	return slices.ContainsFunc(m.fleets, func(f *modelFleet) bool {
		authority := 1 << slices.Index(policy.Subjects(), policy.SubjectAuthority)
		return f.within(branch) && f.policy.set && f.policy.subjects&authority != 0
	})
}

// setPolicyDeed sets what a fleet itself says.
type setPolicyDeed struct {
	fleet   *modelFleet
	policy  modelPolicy
	version uint64 // that it was made from
	made    bool   // whether it was made from a version; else from any
}

func (d *setPolicyDeed) weigh(m *model, p identity.Principal) verdict {
	if code := m.seen(p, identity.PolicySet, d.fleet); code != "" {
		return refused(code)
	}
	if !d.fleet.above.holds().allows(d.policy) {
		return refused(enroll.BadRequest)
	}
	if d.made && d.version != d.fleet.policy.version {
		return refused(enroll.Conflict)
	}
	d.version, d.made = d.fleet.policy.version, true
	return verdict{
		permission: identity.PolicySet, places: []*modelFleet{d.fleet}, subject: policy.SubjectAuthority,
		nothing: d.policy.says() == d.fleet.policy.says(),
	}
}

func (d *setPolicyDeed) apply(_ *model, _ identity.Principal) {
	if d.policy.says() != d.fleet.policy.says() {
		version := d.fleet.policy.version + 1
		d.fleet.policy = d.policy
		d.fleet.policy.version = version
	}
}
