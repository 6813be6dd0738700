package enroll_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
	"github.com/touchmark/touchmark/store/storetest"
)

// Bounds of a walk, so that there is always something to hold on to, and the checks
// after each step stay cheap.
const (
	walkSteps     = 150
	maxWalkFleets = 14
	maxWalkGrants = 40
	maxWalkTokens = 10
)

// walkVariable has the walks begin at another seed: TOUCHMARK_WALK=17 repeats walk 17
// alone, TOUCHMARK_WALK=100-999 makes so many.
const walkVariable = "TOUCHMARK_WALK"

// Nobody can do what the model forbids, and nobody's power grows by their own doing,
// whatever they do one after another: grants, roles, moves, policies, tokens, groups,
// owners, jobs, and what waits for a second person.
func TestNoEscalationByWalking(t *testing.T) {
	issuer, seeds, went := newIssuer(t, nil), walkSeeds(t), &tally{ways: map[way]int{}}
	t.Cleanup(func() { went.everywhere(t, len(seeds)) })
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			w := newWalk(t, storetest.NewMemory(), issuer, seed)
			w.run(walkSteps)
			went.add(w.ways)
		})
	}
}

func TestNoEscalationByWalkingOnDisk(t *testing.T) {
	issuer := newIssuer(t, nil)
	for seed := range uint64(walksOnDisk) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			store, err := bolt.Open(t.Context(), bolt.Config{Path: t.TempDir() + "/touchmark.db"})
			check(t, err)
			t.Cleanup(func() { check(t, store.Close()) })
			newWalk(t, store, issuer, seed).run(walkSteps)
		})
	}
}

func walkSeeds(t *testing.T) (seeds []uint64) {
	t.Helper()
	first, last, several := strings.Cut(os.Getenv(walkVariable), "-")
	switch {
	case first == "":
		first, last = "0", strconv.Itoa(walks-1)
	case !several:
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 64)
	check(t, err)
	to, err := strconv.ParseUint(last, 10, 64)
	check(t, err)
	for seed := from; seed <= to; seed++ {
		seeds = append(seeds, seed)
	}
	return seeds
}

// walk is a service and the model that it is held against.
type walk struct {
	*rig
	seed   uint64
	rand   *rand.Rand
	model  *model
	people []identity.Principal // with the groups that they are in now
	texts  map[string]string    // of tokens, by id
	codes  []walkCode
	gone   []identity.Principal // who held tokens that were revoked
	trail  []string             // what happened, for people
	ways   map[way]int          // how often each kind of step ended in each way
}

func newWalk(tb testing.TB, store enroll.Store, issuer *ca.Issuer, seed uint64, options ...rigOption) *walk {
	tb.Helper()
	const lapse = 4 * 24 * time.Hour
	var key [32]byte
	copy(key[:], strconv.FormatUint(seed, 10))
	w := &walk{
		seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), texts: map[string]string{}, ways: map[way]int{},
		model: &model{lapse: lapse, fleets: []*modelFleet{{id: identity.RootFleetID}}, known: map[string]*modelMember{}},
	}
	ids := rand.NewChaCha8(key) // so that a walk is the same again
	w.rig = newRigOn(tb, store, "", issuer, append([]rigOption{func(c *enroll.Config) {
		c.Rand, c.MembershipLifetime, c.Limits.Guesses, c.Limits.Names = ids, lapse, 1_000_000, 1_000_000
	}}, options...)...)
	w.model.now = w.clock.Now()
	w.begin()
	return w
}

// begin makes what a walk begins with: a tree of fleets, devices in it, and people
// and certificates that hold something.
func (w *walk) begin() {
	m, ctx := w.model, w.tb.Context()
	for _, path := range []string{"/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/c"} {
		info, err := w.CreateFleet(ctx, w.admin, path)
		check(w.tb, err)
		above := m.fleets[0]
		for _, f := range m.fleets {
			if f.id == info.Parent {
				above = f
			}
		}
		m.fleets = append(m.fleets, &modelFleet{id: info.ID, name: path[len(path)-1:], above: above})
	}
	for i, at := range m.fleets[1:] {
		order := w.order(1, func(o *enroll.NewOrder) { o.Fleet = at.path() })
		issued, err := w.vouch(order, serialOf(i), newKey(w.tb))
		check(w.tb, err)
		m.devices = append(m.devices, &modelDevice{id: issued.Device, lineage: issued.Serial.String(), fleet: at, state: identity.Active})
	}
	w.people = []identity.Principal{
		person("alice", "admin"), person("bob", "leads"), person("carol", "security"), person("dave", "staff"), person("erin", "leads", "staff"), person("fred"),
	}
	root := person("alice", "admin")
	for _, role := range []*modelRole{
		{"lead", permsOf(identity.FleetRead, identity.GrantCreate, identity.GrantRead, identity.DeviceRead, identity.DeviceAssign, identity.TokenCreate)},
		{"mover", permsOf(identity.FleetRead, identity.FleetEdit, identity.GrantDelete)},
		{"ruler", permsOf(identity.FleetRead, identity.PolicySet, identity.DeviceHold, identity.DeviceRelease)},
	} {
		_, err := w.PutRole(ctx, root, role.name, role.may.list())
		check(w.tb, err)
		m.roles = append(m.roles, role)
	}
	for _, g := range []modelGrant{
		{to: groupOf("leads"), role: "lead", fleet: m.fleets[1]},
		{to: groupOf("staff"), role: "operator", fleet: m.fleets[2]},
		{to: w.people[3].ID(), role: "admin", fleet: m.fleets[1]},
		{to: w.people[4].ID(), role: "admin", fleet: m.fleets[2], until: m.now.Add(100 * time.Hour)},
		{to: w.people[5].ID(), role: "mover", fleet: m.fleets[0]},
		{to: w.people[1].ID(), role: "ruler", fleet: m.fleets[0]},
		{to: m.devices[0].principal().ID(), role: "operator", fleet: m.fleets[1]},
	} {
		made, err := w.CreateGrant(ctx, root, enroll.NewGrant{For: g.to, Role: g.role, Fleet: g.fleet.path(), Until: g.until})
		check(w.tb, err)
		g.id = string(made.ID)
		m.grants = append(m.grants, &g)
	}
	m.fleets[4].policy = modelPolicy{set: true, subjects: 6, loosen: true, version: 1} // of /a/b: actions and authority wait
	_, err := w.SetFleetPolicy(ctx, root, m.fleets[4].path(), m.fleets[4].policy.config(), 0)
	check(w.tb, err)
}

func (w *walk) chance(percent int) bool { return w.rand.IntN(100) < percent }

func pick[T any](w *walk, from []T) T { return from[w.rand.IntN(len(from))] }

func (w *walk) groupNames() []string { return []string{"leads", "staff", "others"} }

// grantee is somebody whom a grant can be for.
func (w *walk) grantee() string {
	switch n := w.rand.IntN(10); {
	case n < 6:
		return pick(w, w.people).ID()
	case n < 8:
		return groupOf(pick(w, w.groupNames()))
	default:
		return w.model.devices[w.rand.IntN(2)].principal().ID()
	}
}

// fail stops the walk and says how to take it again.
func (w *walk) fail(err error) {
	w.tb.Helper()
	w.tb.Fatalf("walk %d (%s=%d takes it again): %v; before that:\n%s", w.seed, walkVariable, w.seed, err, strings.Join(w.trail[max(0, len(w.trail)-30):], "\n"))
}

func (w *walk) note(text string, args ...any) {
	w.trail = append(w.trail, w.model.now.Format("02 15:04:05 ")+fmt.Sprintf(text, args...))
}
