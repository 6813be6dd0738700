package enroll_test

import (
	"cmp"
	"context"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// modelJob does one thing to all devices of a person, as whoever started it.
type modelJob struct {
	jobDeed
	maker identity.Principal
}

// jobDeed starts a job.
type jobDeed struct {
	id, user, to string
	action       enroll.JobAction
	weighed      []*modelFleet // where the devices stood when it was weighed
}

func (d *jobDeed) permission() identity.Permission {
	if d.action == enroll.JobReassign {
		return identity.DeviceAssign
	}
	return identity.ActionPermission(identity.Action(d.action))
}

func (d *jobDeed) weigh(m *model, p identity.Principal) verdict {
	if d.to == d.user {
		return refused(enroll.BadRequest)
	}
	v := verdict{permission: d.permission(), subject: policy.SubjectActions, owner: true}
	for _, device := range m.devices {
		may, owner := m.mayWith(p, v.permission, device)
		if device.owner != d.user || !may {
			continue
		}
		v.owner = v.owner && owner
		if v.devices++; !slices.Contains(v.places, device.fleet) {
			v.places = append(v.places, device.fleet)
		}
	}
	d.weighed = v.places
	return v
}

func (d *jobDeed) apply(m *model, p identity.Principal) {
	m.jobs = append(m.jobs, &modelJob{*d, p})
}

func (d *jobDeed) named(id string) { d.id = id }

// work does the jobs that are open, as far as their makers may by now.
func (m *model) work() {
	slices.SortFunc(m.jobs, func(a, b *modelJob) int { return cmp.Compare(a.id, b.id) })
	for _, job := range m.jobs {
		maker := m.remembered(job.maker)
		if m.gone(maker) {
			continue
		}
		var theirs []*modelDevice
		for _, d := range m.devices {
			if d.owner == job.user {
				theirs = append(theirs, d)
			}
		}
		for _, d := range theirs {
			may, owner := m.mayWith(maker, job.permission(), d)
			alone := verdict{places: []*modelFleet{d.fleet}, subject: policy.SubjectActions, devices: 1, owner: owner}
			may = may && (slices.Contains(job.weighed, d.fleet) || !m.mustWait(maker, alone))
			after, can := d.after(identity.Action(job.action))
			switch {
			case !may:
			case job.action != enroll.JobReassign && can:
				d.state = after
			case job.action == enroll.JobReassign && m.mayOwn(maker, d, job.to, d.group):
				d.belong(job.to, d.group)
			}
		}
	}
	m.jobs = nil
}

func (w *walk) startJob(p identity.Principal) *attempt {
	d := &jobDeed{user: pick(w, w.people).ID(), action: pick(w, []enroll.JobAction{enroll.JobHold, enroll.JobRelease, enroll.JobReassign})}
	if w.chance(2) {
		d.action = enroll.JobRevoke
	}
	if d.action == enroll.JobReassign {
		d.to = pick(w, w.people).ID()
	}
	a := w.deed(p, d.permission(), d, "%s all devices of %s, for %s", d.action, d.user, d.to)
	a.done = func(m *model) {
		m.carryOut(p, d, a.want)
		m.remember(p)
	}
	return a.making(func(ctx context.Context) (string, error) {
		job, err := w.StartJob(ctx, p, d.user, enroll.NewJob{Action: string(d.action), To: d.to})
		return string(job.ID), err
	})
}

// jobs does the jobs that are open, which nobody calls for.
func (w *walk) jobs(identity.Principal) *attempt {
	a := w.attempt(identity.NewSystem(), "the jobs are done")
	for _, job := range w.model.jobs {
		a.doers = append(a.doers, w.model.remembered(job.maker))
	}
	a.call, a.comesToOwn = w.JobsDue, true
	a.done = func(m *model) { m.work() }
	return a
}
