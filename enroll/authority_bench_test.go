package enroll_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
	"github.com/touchmark/touchmark/store/bolt"
	"github.com/touchmark/touchmark/store/storetest"
)

// authority is a tree six levels deep with a policy at each of them, and who has
// power at its lowest fleet.
type authority struct {
	*tokenRig
	deepest identity.FleetID
	path    identity.FleetPath
	// mia is in twenty groups. Each has a grant six levels down the tree, the last of
	// them on the deepest fleet. token is one that she made.
	mia, token identity.Principal
}

func newAuthority(tb testing.TB, store enroll.Store) *authority {
	tb.Helper()
	r := &tokenRig{rig: newRigOn(tb, store, "", newIssuer(tb, nil))}
	r.admin = person("alice", "admin")
	a := &authority{tokenRig: r, path: "/europe/germany/berlin/plant-2/hall-b/line-3"}
	order := r.order(1, func(o *enroll.NewOrder) { o.Fleet = string(a.path) })
	a.deepest = order.Fleet
	for fleet, n := identity.FleetPath("/"), 0; ; n++ {
		within := policy.Duration(time.Duration(100-n) * time.Hour)
		_, err := r.SetFleetPolicy(tb.Context(), r.admin, string(fleet), policy.Config{Lifetime: &within, Evidence: policy.EvidenceKinds()}, 0)
		check(tb, err)
		if fleet == a.path {
			break
		}
		fleet = fleet.Child(a.path.Segments()[n])
	}
	var groups []string
	for i := range 20 {
		groups = append(groups, fmt.Sprintf("00000000-0000-0000-0000-%012d", i)) // as Entra names them
		fleet := fmt.Sprintf("/europe/germany/berlin/plant-2/hall-b/line-%d", 22-i)
		r.order(1, func(o *enroll.NewOrder) { o.Fleet = fleet })
		r.grant("group:https://idp.example#"+groups[i], identity.Operator, fleet)
	}
	a.mia = person("mia", groups...)
	made := r.token(a.mia, func(t *enroll.NewToken) { t.Fleet = string(a.path) })
	a.token = r.holder(made)
	return a
}

// onlyRevision is a reader of nothing but the revision: whatever else is read panics.
type onlyRevision struct {
	enroll.Reader // nil
	of            enroll.Reader
	read          int
}

func (r *onlyRevision) Document(kind enroll.DocumentKind, key string) ([]byte, error) {
	if kind != enroll.RevisionDocument {
		panic("a warm decision reads the document " + string(kind) + " " + key)
	}
	r.read++
	return r.of.Document(kind, key)
}

// A decision, and what holds at a fleet, take one small read as long as nothing
// changes that they rest on, however deep the tree is and however many grants there
// are.
func TestWarmDecisionsReadTheRevisionAlone(t *testing.T) {
	a := newAuthority(t, storetest.NewMemory())
	decide := func(r enroll.Reader, who identity.Principal) {
		t.Helper()
		may, err := a.May(r, who, identity.TicketDraw, a.deepest)
		if err != nil || !may {
			t.Fatalf("%s may: %t, %v", who.ID(), may, err)
		}
	}
	check(t, a.store.View(t.Context(), func(r enroll.Reader) error {
		for _, who := range []identity.Principal{a.mia, a.token} {
			decide(r, who) // and it is warm
			revision := &onlyRevision{of: r}
			decide(revision, who)
			if revision.read != 1 {
				t.Errorf("a decision about %s reads the revision %d times", who.ID(), revision.read)
			}
		}
		revision := &onlyRevision{of: r}
		holds, err := a.PolicyAt(revision, a.deepest)
		if lifetime, _ := holds.MaxLifetime(); lifetime != 94*time.Hour || revision.read != 1 {
			t.Errorf("the lifetime is %s, found by %d reads", lifetime, revision.read)
		}
		return err
	}))
}

// eachAuthority runs a benchmark on the embedded store and in memory.
func eachAuthority(b *testing.B, run func(*testing.B, *authority)) {
	b.Run("bolt", func(b *testing.B) {
		store, err := bolt.Open(b.Context(), bolt.Config{Path: filepath.Join(b.TempDir(), "touchmark.db")})
		check(b, err)
		b.Cleanup(func() { check(b, store.Close()) })
		run(b, newAuthority(b, store))
	})
	b.Run("memory", func(b *testing.B) { run(b, newAuthority(b, storetest.NewMemory())) })
}

// loop runs what is measured in one View, warm, or each time as it is after the
// revision has turned.
func (a *authority) loop(b *testing.B, name string, do func(enroll.Reader) error) {
	for _, cold := range []bool{false, true} {
		b.Run(name+map[bool]string{false: "/warm", true: "/cold"}[cold], func(b *testing.B) {
			b.ReportAllocs()
			check(b, a.store.View(b.Context(), func(r enroll.Reader) error {
				for b.Loop() {
					if cold {
						a.ForgetAuthority()
					}
					if err := do(r); err != nil {
						return err
					}
				}
				return nil
			}))
		})
	}
}

// BenchmarkDecision decides whether somebody may do something six levels down the
// tree, by the last of their twenty grants. Its target is 5 µs, warm.
func BenchmarkDecision(b *testing.B) {
	eachAuthority(b, func(b *testing.B, a *authority) {
		for name, p := range map[string]identity.Principal{"person": a.mia, "token": a.token} {
			a.loop(b, name, func(r enroll.Reader) error {
				may, err := a.May(r, p, identity.TicketDraw, a.deepest)
				if err == nil && !may {
					b.Fatal("denied")
				}
				return err
			})
		}
	})
}

// BenchmarkEffectivePolicy finds what holds six levels down a tree of which every
// level says something. Its target is 5 µs, warm.
func BenchmarkEffectivePolicy(b *testing.B) {
	eachAuthority(b, func(b *testing.B, a *authority) {
		a.loop(b, "place", func(r enroll.Reader) error {
			holds, err := a.PolicyAt(r, a.deepest)
			if lifetime, _ := holds.MaxLifetime(); err == nil && lifetime != 94*time.Hour {
				b.Fatal("another lifetime holds:", lifetime)
			}
			return err
		})
	})
}

// BenchmarkExplain is the same by way of the operations that tell people, with a
// transaction each.
func BenchmarkExplain(b *testing.B) {
	eachAuthority(b, func(b *testing.B, a *authority) {
		b.Run("decision", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer, err := a.Explain(b.Context(), a.mia, enroll.Question{Permission: string(identity.TicketDraw), On: string(a.path)})
				check(b, err)
				if !answer.Allowed {
					b.Fatal("denied")
				}
			}
		})
		b.Run("policy", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := a.EffectivePolicy(b.Context(), a.mia, string(a.path))
				check(b, err)
			}
		})
	})
}
