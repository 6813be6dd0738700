package enroll_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// records reads a whole list, part by part, and proves that it is in order.
func (r *rig) records(p identity.Principal, q enroll.AuditQuery) (indexes []uint64, events []enroll.Event) {
	r.tb.Helper()
	if q.Limit == 0 {
		q.Limit = 7
	}
	for parts := 0; ; parts++ {
		list, err := r.Audit(r.tb.Context(), p, q)
		check(r.tb, err)
		if len(list.Items) > q.Limit || parts > 10_000 {
			r.tb.Fatalf("a part of %d, the %d-th", len(list.Items), parts)
		}
		for _, item := range list.Items {
			var e struct {
				Index uint64 `json:"index"`
				enroll.Event
			}
			check(r.tb, json.Unmarshal(item, &e))
			if len(indexes) > 0 && e.Index <= indexes[len(indexes)-1] {
				r.tb.Fatalf("record %d after %d", e.Index, indexes[len(indexes)-1])
			}
			indexes, events = append(indexes, e.Index), append(events, e.Event)
		}
		if q.After = list.Next; q.After == "" {
			return indexes, events
		}
	}
}

// want returns the indexes of the records in the store that pick takes.
func (r *rig) want(pick func(enroll.Event) bool) (indexes []uint64) {
	for i, event := range r.log() {
		if pick(event) {
			indexes = append(indexes, uint64(i))
		}
	}
	return indexes
}

// busy has something of everything happen in two branches, an hour between each.
func busy(r *rig) (berlin, ulm enroll.Issued) {
	r.tb.Helper()
	berlin, key := r.enrolled("SN1")
	r.clock.advance(time.Hour)
	order := r.order(5, func(o *enroll.NewOrder) { o.Fleet = "/ulm/line-1" })
	ulm, err := r.vouch(order, "SN2", newKey(r.tb))
	check(r.tb, err)
	r.clock.advance(time.Hour)
	_, err = r.renew(berlin, key)
	check(r.tb, err)
	r.act(ulm.Device, identity.Hold, "")
	r.clock.advance(time.Hour)
	_, err = r.PutRole(r.tb.Context(), someone("bob", identity.Admin), "viewer", []string{"device.read"})
	check(r.tb, err)
	ctx := enroll.WithTarget(r.tb.Context(), enroll.Target{Text: "/devices/TH20-SN2", Device: string(ulm.Device)})
	_, err = r.Device(ctx, someone("mallory"), string(ulm.Device))
	wantCode(r.tb, err, enroll.Forbidden)
	r.clock.advance(time.Hour)
	r.act(berlin.Device, identity.Revoke, "")
	return berlin, ulm
}

func TestAuditFilters(t *testing.T) {
	r := newRig(t)
	begin := r.clock.Now()
	berlin, ulm := busy(r)
	actor := func(kind enroll.EventKind) string {
		for _, event := range r.log() {
			if event.Kind == kind {
				return event.Actor
			}
		}
		return ""
	}
	within := func(path identity.FleetPath) func(enroll.Event) bool {
		return func(e enroll.Event) bool { return e.FleetID != "" && e.Fleet.Within(path) }
	}
	bob := actor(enroll.RoleChanged)
	for name, c := range map[string]struct {
		q    enroll.AuditQuery
		pick func(enroll.Event) bool
	}{
		"a branch":          {enroll.AuditQuery{Fleet: "/berlin"}, within("/berlin")},
		"a fleet":           {enroll.AuditQuery{Fleet: "/ulm/line-1"}, within("/ulm/line-1")},
		"the whole tree":    {enroll.AuditQuery{Fleet: "/"}, func(enroll.Event) bool { return true }},
		"a device":          {enroll.AuditQuery{Device: string(berlin.Device)}, func(e enroll.Event) bool { return e.Device == berlin.Device }},
		"another's device":  {enroll.AuditQuery{Device: string(ulm.Device), Fleet: "/berlin"}, func(enroll.Event) bool { return false }},
		"no such device":    {enroll.AuditQuery{Device: "TH20-none"}, func(enroll.Event) bool { return false }},
		"a pseudonym":       {enroll.AuditQuery{Principal: bob}, func(e enroll.Event) bool { return e.Actor == bob }},
		"a subject":         {enroll.AuditQuery{Principal: "oidc:https://idp.example#bob"}, func(e enroll.Event) bool { return e.Actor == bob }},
		"me":                {enroll.AuditQuery{Principal: "me"}, func(e enroll.Event) bool { return e.Actor == actor(enroll.OrderCreated) }},
		"break-glass":       {enroll.AuditQuery{Principal: "break-glass"}, func(e enroll.Event) bool { return e.Actor == "break-glass" }},
		"a kind":            {enroll.AuditQuery{Kinds: []string{"order.created"}}, func(e enroll.Event) bool { return e.Kind == enroll.OrderCreated }},
		"several":           {enroll.AuditQuery{Kinds: []string{"order.created", "device.*"}}, func(e enroll.Event) bool { return e.Kind == enroll.OrderCreated || e.Kind[:7] == "device." }},
		"from":              {enroll.AuditQuery{From: begin.Add(2 * time.Hour)}, func(e enroll.Event) bool { return !e.Time.Before(begin.Add(2 * time.Hour)) }},
		"until":             {enroll.AuditQuery{Until: begin.Add(2 * time.Hour)}, func(e enroll.Event) bool { return e.Time.Before(begin.Add(2 * time.Hour)) }},
		"between":           {enroll.AuditQuery{From: begin.Add(time.Minute), Until: begin.Add(2*time.Hour + 1)}, func(e enroll.Event) bool { return e.Time.After(begin) && !e.Time.After(begin.Add(2*time.Hour)) }},
		"before all":        {enroll.AuditQuery{Until: begin.Add(-time.Hour)}, func(enroll.Event) bool { return false }},
		"after all":         {enroll.AuditQuery{From: begin.AddDate(1, 0, 0)}, func(enroll.Event) bool { return false }},
		"of it all":         {enroll.AuditQuery{Fleet: "/ulm", Device: string(ulm.Device), Kinds: []string{"request.refused"}, From: begin.Add(3 * time.Hour)}, func(e enroll.Event) bool { return e.Kind == enroll.RequestRefused }},
		"limit at the last": {enroll.AuditQuery{Kinds: []string{"device.revoked"}, Page: enroll.Page{Limit: 1}}, func(e enroll.Event) bool { return e.Kind == enroll.DeviceRevoked }},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := r.records(r.admin, c.q)
			if want := r.want(c.pick); !slices.Equal(got, want) {
				t.Errorf("got the records %v, want %v", got, want)
			}
		})
	}
}

// What is asked for in a way that nobody understands is refused, every fault at once.
func TestAuditQueryFaults(t *testing.T) {
	r := newRig(t)
	now := r.clock.Now()
	for name, q := range map[string]enroll.AuditQuery{
		"fleet":     {Fleet: "berlin"},
		"device":    {Device: "TH 20"},
		"principal": {Principal: "a\nb"},
		"kind":      {Kinds: []string{"device.exploded"}},
		"kinds":     {Kinds: []string{"devi*"}},
		"all kinds": {Kinds: []string{"*"}},
		"dot":       {Kinds: []string{"device."}},
		"many":      {Kinds: slices.Repeat([]string{"device.*"}, 65)},
		"time":      {From: now, Until: now},
		"cursor":    {Fleet: "/", Page: enroll.Page{After: "log.1"}},
		"cursor 2":  {Page: enroll.Page{After: "records.1"}},
		"cursor 3":  {Fleet: "/", Page: enroll.Page{After: "records.01"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Audit(t.Context(), r.admin, q)
			wantCode(t, err, enroll.BadRequest)
		})
	}
	_, err := r.Audit(t.Context(), r.admin, enroll.AuditQuery{Fleet: "/nowhere"})
	wantCode(t, err, enroll.NotFound)
}

// Who may read the whole log and asks for all of it gets what an export is made of.
func TestAuditWithoutFilterIsTheExport(t *testing.T) {
	r := newRig(t)
	busy(r)
	page := enroll.Page{Limit: 5}
	for {
		want, err := r.AuditLines(t.Context(), r.admin, page)
		check(t, err)
		got, err := r.Audit(t.Context(), r.admin, enroll.AuditQuery{Page: page})
		check(t, err)
		if len(got.Items) != len(want.Items) || got.Next != want.Next || !bytes.Equal(bytes.Join(got.Items, nil), bytes.Join(want.Items, nil)) {
			t.Fatalf("got %q and %q, want %q and %q", got.Items, got.Next, want.Items, want.Next)
		}
		if page.After = want.Next; page.After == "" {
			return
		}
	}
}

// Whoever audits a branch reads what happened in its fleets, and nothing else, ever.
func TestBranchAuditor(t *testing.T) {
	r := newRig(t)
	berlin, ulm := busy(r)
	auditor := someone("anna")
	_, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: auditor.ID(), Role: "auditor", Fleet: "/ulm"})
	check(t, err)
	mine := func(e enroll.Event) bool { return e.FleetID != "" && e.Fleet.Within("/ulm") }
	for name, c := range map[string]struct {
		q    enroll.AuditQuery
		pick func(enroll.Event) bool
	}{
		"everything":        {enroll.AuditQuery{}, mine},
		"their branch":      {enroll.AuditQuery{Fleet: "/ulm"}, mine},
		"below":             {enroll.AuditQuery{Fleet: "/ulm/line-1", Kinds: []string{"device.*"}}, func(e enroll.Event) bool { return mine(e) && e.Kind[:7] == "device." }},
		"their device":      {enroll.AuditQuery{Device: string(ulm.Device)}, func(e enroll.Event) bool { return e.Device == ulm.Device }},
		"a device of other": {enroll.AuditQuery{Device: string(berlin.Device)}, func(enroll.Event) bool { return false }},
		"roles":             {enroll.AuditQuery{Kinds: []string{"role.*"}}, func(enroll.Event) bool { return false }},
		"the admin":         {enroll.AuditQuery{Principal: "oidc:https://idp.example#alice"}, func(e enroll.Event) bool { return mine(e) && e.Grant == "configuration:admin" }},
		"who was refused":   {enroll.AuditQuery{Kinds: []string{"request.refused"}}, func(e enroll.Event) bool { return mine(e) && e.Kind == enroll.RequestRefused }},
	} {
		t.Run(name, func(t *testing.T) {
			got, events := r.records(auditor, c.q)
			if want := r.want(c.pick); !slices.Equal(got, want) {
				t.Errorf("got the records %v, want %v: %+v", got, want, events)
			}
		})
	}
	for _, fleet := range []string{"/", "/berlin", "/berlin/line-3", "/nowhere"} {
		_, err := r.Audit(t.Context(), auditor, enroll.AuditQuery{Fleet: fleet})
		wantCode(t, err, enroll.NotFound)
	}
	_, err = r.AuditLines(t.Context(), auditor, enroll.Page{Limit: 1})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Checkpoint(t.Context(), auditor)
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Audit(t.Context(), someone("mallory"), enroll.AuditQuery{Fleet: "/ulm"})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Audit(t.Context(), identity.Principal{}, enroll.AuditQuery{Fleet: "/ulm"})
	wantCode(t, err, enroll.Unauthenticated)
}

// Records from before they named fleets for good are found by what the fleet was
// called, by those who may read the whole log, and told to nobody else.
func TestAuditOfOldRecords(t *testing.T) {
	r := newRig(t)
	r.order(1)
	check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
		return tx.Append(enroll.Event{Time: r.clock.Now(), Kind: enroll.DeviceHeld, Actor: "x", Fleet: "/berlin/line-3", Device: "TH20-OLD"})
	}))
	old := enroll.AuditQuery{Fleet: "/berlin", Kinds: []string{"device.held"}}
	if got, _ := r.records(r.admin, old); len(got) != 1 {
		t.Errorf("found %v", got)
	}
	if got, _ := r.records(r.admin, enroll.AuditQuery{Fleet: "/berlin/line-3", Principal: "x"}); len(got) != 1 {
		t.Errorf("found %v", got)
	}
	auditor := someone("anna")
	_, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: auditor.ID(), Role: "auditor", Fleet: "/berlin"})
	check(t, err)
	if got, _ := r.records(auditor, old); len(got) != 0 {
		t.Errorf("told %v", got)
	}
}
