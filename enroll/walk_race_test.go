package enroll_test

import (
	"context"
	random "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
)

const (
	walkers  = 8
	walkedBy = 200 // steps of each walker
)

// Many do what they like at once, on one store and by two services. Whoever wins,
// each fault is a refusal; afterwards the indexes agree, both services and a new one
// decide alike, and as a model that is read from the store says.
func TestWalkersAtOnce(t *testing.T) {
	store, err := bolt.Open(t.Context(), bolt.Config{Path: t.TempDir() + "/touchmark.db"})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	w := newWalk(t, store, newIssuer(t, nil), 1, func(c *enroll.Config) { c.Rand = random.Reader })
	other := newRigOn(t, store, "", w.issuer, func(c *enroll.Config) {
		c.Clock, c.MembershipLifetime = w.clock.Now, w.model.lapse
	})
	var group sync.WaitGroup
	for i := range walkers {
		one := &walker{Service: []*enroll.Service{w.Service, other.Service}[i%2], walk: w, rand: rand.New(rand.NewPCG(1, uint64(i)))}
		group.Go(func() {
			for range walkedBy {
				if err := one.approved(t.Context(), one.step(t.Context())); codeOf(err) == enroll.Internal {
					t.Errorf("a walker met %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	if err := w.adopt(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.checkIndexes(), w.comparePowers(w.Service, true), w.comparePowers(other.Service, true), w.checkFresh(), w.checkDevices()); err != nil {
		t.Error(err)
	}
}

// walker tries things without knowing what is to come of them.
type walker struct {
	*enroll.Service
	walk *walk // which is only read meanwhile
	rand *rand.Rand
	mine []identity.Principal // tokens that it made
}

func choose[T any](w *walker, from ...T) T { return from[w.rand.IntN(len(from))] }

// step does one thing, as somebody.
func (w *walker) step(ctx context.Context) error {
	p := choose(w, append(w.mine, w.walk.people...)...)
	if p.Kind == identity.OIDC && w.rand.IntN(8) == 0 {
		p = person(p.Subject, choose(w, []string{"leads"}, []string{"admin"}, []string{"staff", "security"}, nil)...)
	}
	if err := w.Arrived(ctx, p); err != nil {
		return err
	}
	if w.rand.IntN(2) == 0 {
		p = identity.NewBreakGlass() // which is refused least
	}
	switch w.rand.IntN(13) {
	case 0, 1:
		return w.give(ctx, p)
	case 2:
		return w.take(ctx, p)
	case 3:
		name, may := choose(w, "odd", "lead", "mover"), choose(w, "device.hold", "grant.create", "fleet.edit", "token.create")
		_, err := w.PutRole(ctx, p, name, []string{may, "fleet.read", "device.read"})
		return err
	case 4:
		return w.DeleteRole(ctx, p, "odd")
	case 5:
		path := choose(w, "/a", "/b", "/a/a", "/b/a") + choose(w, "/x", "/y")
		_, err := w.CreateFleet(ctx, p, path)
		return err
	case 6, 7:
		f := choose(w, w.walk.model.fleets[1:]...)
		edit := enroll.FleetEdit{Name: choose(w, "", "a", "b", "c", "d"), Parent: string(choose(w, w.walk.model.fleets...).id)}
		_, err := w.EditFleet(ctx, p, string(f.id), edit)
		return err
	case 8:
		return w.token(ctx, p)
	case 9:
		return w.DeleteFleet(ctx, p, choose(w, "/a", "/b", "/a/a", "/b/a")+choose(w, "/x", "/y"))
	default:
		return w.own(ctx, p)
	}
}

func (w *walker) give(ctx context.Context, p identity.Principal) error {
	asked := enroll.NewGrant{
		For: choose(w, w.walk.people...).ID(), Role: choose(w, "operator", "admin", "odd", "lead"), Fleet: choose(w, "/", "/a", "/b", "/a/a", "/a/b", "/b/a"),
	}
	if w.rand.IntN(2) == 0 {
		asked.For = groupOf(choose(w, "leads", "staff"))
	}
	_, err := w.CreateGrant(ctx, p, asked)
	return err
}

func (w *walker) take(ctx context.Context, p identity.Principal) error {
	found, err := w.Grants(ctx, identity.NewBreakGlass(), enroll.GrantQuery{Page: enroll.Page{Limit: 50}})
	if err != nil || len(found.Items) == 0 {
		return err
	}
	return w.DeleteGrant(ctx, p, string(choose(w, found.Items...).ID))
}

func (w *walker) token(ctx context.Context, p identity.Principal) error {
	if len(w.mine) > 0 && w.rand.IntN(3) == 0 {
		_, err := w.RevokeToken(ctx, identity.NewBreakGlass(), w.mine[0].Token)
		w.mine = w.mine[1:]
		return err
	}
	made, err := w.CreateToken(ctx, p, enroll.NewToken{
		Name: "walker", Fleet: choose(w, "/", "/a", "/b"), Permissions: []string{"device.read", "device.assign"}, Until: w.walk.clock.Now().Add(time.Hour),
	})
	if err != nil {
		return err
	}
	holder, err := w.TokenPrincipal(ctx, made.Text, "192.0.2.9")
	w.mine = append(w.mine, holder)
	return err
}

// own changes whom a device belongs to, in one of the ways there are.
func (w *walker) own(ctx context.Context, p identity.Principal) error {
	d, to := string(choose(w, w.walk.model.devices...).id), choose(w, w.walk.people...)
	switch w.rand.IntN(6) {
	case 0:
		user, group := to.ID(), choose(w, "", groupOf("staff"))
		_, err := w.AssignOwner(ctx, p, d, enroll.NewOwner{User: &user, Group: &group})
		return err
	case 1:
		return w.ReleaseOwner(ctx, p, d, "")
	case 2:
		_, err := w.OfferTransfer(ctx, to, d, choose(w, w.walk.people...).ID())
		return err
	case 3:
		_, err := w.AcceptTransfer(ctx, to, d)
		return err
	case 4:
		drawn, err := w.DrawClaimCode(ctx, p, d, 0)
		if err != nil {
			return err
		}
		_, err = w.ConfirmClaim(ctx, to, drawn.Code, fmt.Sprint("192.0.2.", w.rand.IntN(200)))
		return err
	default:
		if _, err := w.StartJob(ctx, p, to.ID(), enroll.NewJob{Action: "reassign", To: choose(w, w.walk.people...).ID()}); err != nil {
			return err
		}
		return w.JobsDue(ctx)
	}
}

// approved has what waits for a second person done.
func (w *walker) approved(ctx context.Context, err error) error {
	var waiting *enroll.Waiting
	if !errors.As(err, &waiting) {
		return err
	}
	_, err = w.Approve(ctx, identity.NewBreakGlass(), string(waiting.Approval.ID), "")
	return err
}

// adopt has the model hold what the store does.
func (w *walk) adopt() error {
	m := w.model
	return w.store.View(w.tb.Context(), func(r enroll.Reader) error {
		return errors.Join(m.adoptFleets(r), m.adoptPowers(r), w.adoptDevices(r))
	})
}

// adoptFleets reads the tree from the top.
func (m *model) adoptFleets(r enroll.Reader) error {
	known := m.fleets
	m.fleets = m.fleets[:1:1]
	for i := 0; i < len(m.fleets); i++ {
		children, err := r.Children(m.fleets[i].id, "", enroll.Page{Limit: enroll.MaxPage})
		if err != nil {
			return err
		}
		for _, child := range children.Items {
			f := &modelFleet{id: child.ID}
			if at := slices.IndexFunc(known, func(f *modelFleet) bool { return f.id == child.ID }); at >= 0 {
				f = known[at]
			}
			f.name, f.above = child.Name, m.fleets[i]
			m.fleets = append(m.fleets, f)
		}
	}
	if len(m.fleets) < len(known) {
		return fmt.Errorf("of %d fleets only %d hang together", len(known), len(m.fleets))
	}
	return nil
}
