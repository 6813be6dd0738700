package enroll_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A token does what it was made for on its branch, and nothing else, and the log says
// who answers for it.
func TestTokenDoesWhatItWasMadeFor(t *testing.T) {
	r := newTokenRig(t)
	mia := person("mia", "operator")
	made := r.token(mia)
	p := r.holder(made)
	if p.ID() != "token:"+string(made.ID) || p.Responsible() != mia.ID() || p.Name != "line 3" {
		t.Errorf("the holder is %+v", p)
	}
	_, err := r.DrawTickets(t.Context(), p, string(r.berlin.ID), []string{"SN1"})
	check(t, err)
	_, err = r.CloseOrder(t.Context(), p, string(r.berlin.ID)) // its maker may
	wantCode(t, err, enroll.Forbidden)
	_, err = r.DrawTickets(t.Context(), p, string(r.paris.ID), []string{"SN1"})
	wantCode(t, err, enroll.NotFound)
	wantCode(t, r.Authorize(t.Context(), p, identity.OrderRead), enroll.Forbidden)
	orders, err := r.Orders(t.Context(), p, enroll.OrderQuery{Page: enroll.Page{Limit: 10}})
	check(t, err)
	if len(orders.Items) != 1 || orders.Items[0].ID != r.berlin.ID {
		t.Errorf("it lists %d orders", len(orders.Items))
	}
	events := r.log()
	created := events[slices.IndexFunc(events, func(e enroll.Event) bool { return e.Kind == enroll.TokenCreated })]
	if created.About != string(made.ID) || created.Fleet != "/berlin" || !slices.Equal(created.Permissions, made.Permissions) ||
		created.NotAfter == nil || !created.NotAfter.Equal(made.Until) || created.Grant != "configuration:operator" || created.Responsible != "" {
		t.Errorf("told of its making: %+v", created)
	}
	drawn := events[slices.IndexFunc(events, func(e enroll.Event) bool { return e.Kind == enroll.TicketsDrawn })]
	if drawn.Actor != p.ID() || drawn.Responsible != created.Actor || drawn.Grant != "configuration:operator" {
		t.Errorf("told of its work: %+v", drawn)
	}
}

// A station's token vouches for the devices of orders that name it.
func TestTokenOfAStation(t *testing.T) {
	r := newTokenRig(t)
	made := r.token(r.admin, func(n *enroll.NewToken) { n.Permissions = []string{"device.enrol"} })
	p := r.holder(made)
	vouch := func(order enroll.OrderInfo, serial string) error {
		_, err := r.Issue(t.Context(), enroll.Request{
			Principal: p, Evidence: enroll.VouchEvidence{Order: order.ID, Serial: serial}, CSR: csr(t, newKey(t)),
		})
		return err
	}
	wantCode(t, vouch(r.berlin, "SN1"), enroll.NotFound)
	check(t, vouch(r.order(1, func(o *enroll.NewOrder) { o.Stations = []string{p.ID()} }), "SN1"))
}

func TestTokenRefusals(t *testing.T) {
	r := newTokenRig(t)
	issued, _ := r.enrolled("GW1")
	gateway := r.certified(issued)
	r.grant(gateway.ID(), identity.Admin, "/berlin")
	r.grant(person("mia").ID(), identity.Operator, "/berlin")
	token := r.holder(r.token(r.admin))
	year := 366 * 24 * time.Hour
	for name, c := range map[string]struct {
		maker  identity.Principal
		change func(*enroll.NewToken)
		code   enroll.Code
	}{
		"nobody":                      {identity.Principal{}, func(*enroll.NewToken) {}, enroll.Unauthenticated},
		"who may make none":           {person("sam", "security"), func(*enroll.NewToken) {}, enroll.Forbidden},
		"a certificate":               {gateway, func(*enroll.NewToken) {}, enroll.Forbidden},
		"a token":                     {token, func(*enroll.NewToken) {}, enroll.Forbidden},
		"no name":                     {r.admin, func(n *enroll.NewToken) { n.Name = "" }, enroll.BadRequest},
		"a blank name":                {r.admin, func(n *enroll.NewToken) { n.Name = " " }, enroll.BadRequest},
		"a long name":                 {r.admin, func(n *enroll.NewToken) { n.Name = strings.Repeat("ü", 101) }, enroll.BadRequest},
		"a name that does not print":  {r.admin, func(n *enroll.NewToken) { n.Name = "line\x1b[2J" }, enroll.BadRequest},
		"no permission":               {r.admin, func(n *enroll.NewToken) { n.Permissions = nil }, enroll.BadRequest},
		"an unknown permission":       {r.admin, func(n *enroll.NewToken) { n.Permissions = []string{"order.burn"} }, enroll.BadRequest},
		"a permission twice":          {r.admin, func(n *enroll.NewToken) { n.Permissions = []string{"order.read", "order.read"} }, enroll.BadRequest},
		"power over others":           {r.admin, func(n *enroll.NewToken) { n.Permissions = []string{"grant.create"} }, enroll.BadRequest},
		"power to make tokens":        {r.admin, func(n *enroll.NewToken) { n.Permissions = []string{"token.create"} }, enroll.BadRequest},
		"what break-glass alone has":  {identity.NewBreakGlass(), func(n *enroll.NewToken) { n.Permissions = []string{"device.enrol.any"} }, enroll.BadRequest},
		"what the maker lacks":        {person("mia", "operator"), func(n *enroll.NewToken) { n.Permissions = []string{"device.revoke"} }, enroll.Forbidden},
		"beside the maker's branch":   {person("mia"), func(n *enroll.NewToken) { n.Fleet = "/paris" }, enroll.NotFound},
		"above the maker's branch":    {person("mia"), func(n *enroll.NewToken) { n.Fleet = "/" }, enroll.NotFound},
		"a fleet that is not there":   {r.admin, func(n *enroll.NewToken) { n.Fleet = "/rome" }, enroll.NotFound},
		"a malformed fleet":           {r.admin, func(n *enroll.NewToken) { n.Fleet = "berlin" }, enroll.BadRequest},
		"no end":                      {r.admin, func(n *enroll.NewToken) { n.Until = time.Time{} }, enroll.BadRequest},
		"an end in the past":          {r.admin, func(n *enroll.NewToken) { n.Until = r.clock.Now() }, enroll.BadRequest},
		"an end beyond a year's time": {r.admin, func(n *enroll.NewToken) { n.Until = r.clock.Now().Add(year + time.Second) }, enroll.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			asked := enroll.NewToken{Name: "x", Fleet: "/berlin", Permissions: []string{"order.read"}, Until: r.clock.Now().Add(year)}
			c.change(&asked)
			_, err := r.CreateToken(t.Context(), c.maker, asked)
			wantCode(t, err, c.code)
		})
	}
	if n := r.count(enroll.TokenCreated); n != 1 {
		t.Errorf("%d tokens were made", n)
	}
	// The longest that there is.
	r.token(r.admin, func(n *enroll.NewToken) { n.Until, n.Name = r.clock.Now().Add(year), strings.Repeat("ü", 100) })
}

// A token opens until its end, not at it.
func TestTokenEnds(t *testing.T) {
	r := newTokenRig(t)
	made := r.token(r.admin, func(n *enroll.NewToken) { n.Until = r.clock.Now().Add(time.Hour) })
	r.clock.advance(time.Hour - time.Millisecond)
	p := r.holder(made)
	if !r.reads(p, r.berlin) {
		t.Error("it may not before its end")
	}
	r.clock.advance(time.Millisecond)
	_, err := r.show(made.Text)
	wantCode(t, err, enroll.Unauthenticated)
	if r.reads(p, r.berlin) {
		t.Error("whoever opened a call just before may go on after its end")
	}
	info, err := r.Token(t.Context(), r.admin, string(made.ID))
	check(t, err)
	if len(info.Holds) != 0 {
		t.Errorf("after its end it is said to hold %v", info.Holds)
	}
	// An ended token's own text is no guess: whoever forgot to change it is not locked
	// out from changing it.
	for range 20 {
		_, err = r.show(made.Text)
		wantCode(t, err, enroll.Unauthenticated)
	}
	_, err = r.RotateToken(t.Context(), r.admin, string(made.ID), enroll.Rotation{})
	wantCode(t, err, enroll.WrongState)
	again, err := r.RotateToken(t.Context(), r.admin, string(made.ID), enroll.Rotation{Until: r.clock.Now().Add(time.Hour)})
	check(t, err)
	r.holder(again)
}

func TestTokenRotation(t *testing.T) {
	r := newTokenRig(t)
	mia := person("mia", "operator")
	first := r.token(mia)
	second, err := r.RotateToken(t.Context(), mia, string(first.ID), enroll.Rotation{Overlap: time.Hour})
	check(t, err)
	if second.ID != first.ID || second.Text == first.Text || !second.Until.Equal(first.Until) {
		t.Errorf("%+v became %+v", first, second)
	}
	if until := second.OldUntil(r.clock.Now()); !until.Equal(r.clock.Now().Add(time.Hour)) {
		t.Errorf("the text before is good until %s", until)
	}
	r.clock.advance(time.Hour - time.Millisecond)
	r.holder(first)
	r.holder(second)
	r.clock.advance(time.Millisecond)
	_, err = r.show(first.Text)
	wantCode(t, err, enroll.Unauthenticated)
	r.holder(second)
	if until := second.OldUntil(r.clock.Now()); !until.IsZero() {
		t.Errorf("the text before is still good until %s", until)
	}

	// Two texts are good at a time, never three; without an overlap one.
	third, err := r.RotateToken(t.Context(), mia, string(first.ID), enroll.Rotation{Overlap: 30 * 24 * time.Hour})
	check(t, err)
	fourth, err := r.RotateToken(t.Context(), mia, string(first.ID), enroll.Rotation{Overlap: time.Hour})
	check(t, err)
	_, err = r.show(second.Text)
	wantCode(t, err, enroll.Unauthenticated)
	r.holder(third)
	fifth, err := r.RotateToken(t.Context(), identity.NewBreakGlass(), string(first.ID), enroll.Rotation{})
	check(t, err)
	for _, old := range []enroll.MadeToken{third, fourth} {
		_, err = r.show(old.Text)
		wantCode(t, err, enroll.Unauthenticated)
	}
	if p := r.holder(fifth); p.Responsible() != mia.ID() || !r.reads(p, r.berlin) {
		t.Errorf("rotated by another it is %+v", p)
	}
	events := slices.DeleteFunc(r.log(), func(e enroll.Event) bool { return e.Kind != enroll.TokenRotated })
	last := events[len(events)-1]
	if len(events) != 4 || last.About != string(first.ID) || last.Actor != "break-glass" || last.For != events[0].Actor {
		t.Errorf("%d rotations, the last told as %+v", len(events), last)
	}

	// Not without the right to make tokens, and not for others.
	rotate := func(p identity.Principal, id string, asked enroll.Rotation) error {
		_, err := r.RotateToken(t.Context(), p, id, asked)
		return err
	}
	id := string(first.ID)
	wantCode(t, rotate(identity.Principal{}, id, enroll.Rotation{}), enroll.Unauthenticated)
	wantCode(t, rotate(r.admin, id, enroll.Rotation{}), enroll.Forbidden)
	wantCode(t, rotate(person("otto"), id, enroll.Rotation{}), enroll.NotFound)
	wantCode(t, rotate(r.holder(fifth), id, enroll.Rotation{}), enroll.Forbidden)
	wantCode(t, rotate(person("mia"), id, enroll.Rotation{}), enroll.Forbidden)
	wantCode(t, rotate(mia, "nothing", enroll.Rotation{}), enroll.NotFound)
	wantCode(t, rotate(mia, id, enroll.Rotation{Overlap: 30*24*time.Hour + 1}), enroll.BadRequest)
	wantCode(t, rotate(mia, id, enroll.Rotation{Overlap: -1}), enroll.BadRequest)
	wantCode(t, rotate(mia, id, enroll.Rotation{Until: r.clock.Now()}), enroll.BadRequest)
	r.holder(fifth)
}

func TestTokenIsRevoked(t *testing.T) {
	r := newTokenRig(t)
	mia := person("mia", "operator")
	revoke := func(p identity.Principal, made enroll.MadeToken) error {
		_, err := r.RevokeToken(t.Context(), p, string(made.ID))
		return err
	}
	made := r.token(mia)
	holder := r.holder(made)
	wantCode(t, revoke(identity.Principal{}, made), enroll.Unauthenticated)
	wantCode(t, revoke(person("otto"), made), enroll.NotFound)
	wantCode(t, revoke(person("arno", "auditor"), made), enroll.Forbidden)
	wantCode(t, revoke(holder, made), enroll.Forbidden)
	r.holder(made)

	check(t, revoke(person("olga", "operator"), made))
	_, err := r.show(made.Text)
	wantCode(t, err, enroll.Unauthenticated)
	if r.reads(holder, r.berlin) {
		t.Error("whoever opened a call before may go on")
	}
	wantCode(t, revoke(mia, made), enroll.NotFound)
	_, err = r.RotateToken(t.Context(), mia, string(made.ID), enroll.Rotation{})
	wantCode(t, err, enroll.NotFound)

	// One's own, with nothing left.
	own := r.token(mia)
	check(t, revoke(person("mia"), own))
	events := slices.DeleteFunc(r.log(), func(e enroll.Event) bool { return e.Kind != enroll.TokenRevoked })
	if len(events) != 2 || events[0].About != string(made.ID) || events[0].Grant != "configuration:operator" || events[0].For == events[0].Actor ||
		events[1].Grant != "" || events[1].For != events[1].Actor {
		t.Errorf("told as %+v", events)
	}
	check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
		for _, kind := range []enroll.DocumentKind{enroll.TokenDocument, enroll.TokenOfDocument, enroll.TokenAtDocument, enroll.TokenUseDocument} {
			if left, err := reader.Documents(kind, "", enroll.Page{Limit: 1}); err != nil || len(left.Items) > 0 {
				t.Errorf("%s: %v is left, %v", kind, left.Items, err)
			}
		}
		return nil
	}))
}

// tokenStory makes a token, rotates it and revokes it.
func tokenStory(ctx context.Context, t *testing.T, r *rig) {
	t.Helper()
	r.order(1) // makes /berlin
	made, err := r.CreateToken(ctx, r.admin, enroll.NewToken{
		Name: "line 3", Fleet: "/berlin", Permissions: []string{"order.read"}, Until: r.clock.Now().Add(time.Hour),
	})
	check(t, err)
	_, err = r.RotateToken(ctx, r.admin, string(made.ID), enroll.Rotation{Overlap: time.Minute, Until: r.clock.Now().Add(2 * time.Hour)})
	check(t, err)
	_, err = r.RevokeToken(ctx, r.admin, string(made.ID))
	check(t, err)
}

// The log tells a token's story: which, whose, what for, where, until when, and by
// which grant.
func TestTokenEvents(t *testing.T) {
	r := newRig(t)
	tokenStory(enroll.WithRequestID(t.Context(), "req-1"), t, r)
	ends := map[enroll.EventKind]time.Time{
		enroll.TokenCreated: r.clock.Now().Add(time.Hour), enroll.TokenRotated: r.clock.Now().Add(2 * time.Hour),
		enroll.TokenRevoked: r.clock.Now().Add(2 * time.Hour),
	}
	var about string
	for _, event := range r.log() {
		end, told := ends[event.Kind]
		if !told {
			continue
		}
		delete(ends, event.Kind)
		if about == "" {
			about = event.About
		}
		if event.About != about || len(about) != 16 || event.For != event.Actor || event.Fleet != "/berlin" || event.FleetID == "" ||
			event.Grant != "configuration:admin" || !event.NotAfter.Equal(end) || event.Request != "req-1" ||
			!slices.Equal(event.Permissions, []identity.Permission{identity.OrderRead}) {
			t.Errorf("told as %+v", event)
		}
	}
	if len(ends) > 0 {
		t.Errorf("not told: %v", ends)
	}
}

// Nothing that opens a token is in the store, its log or its archive.
func TestTokensAreKeptAsHashes(t *testing.T) {
	r := newTokenRig(t)
	made := r.token(r.admin)
	next, err := r.RotateToken(t.Context(), r.admin, string(made.ID), enroll.Rotation{Overlap: time.Hour})
	check(t, err)
	r.holder(next)
	content, err := os.ReadFile(r.path)
	check(t, err)
	if !bytes.Contains(content, []byte(made.ID)) {
		t.Fatal("the store does not know the token; does this test still see it?")
	}
	for _, text := range []string{made.Text, next.Text} {
		secret := text[len("tmst_")+16:][:26]
		if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, []byte("tmst_")) {
			t.Error("a token's text is in the store")
		}
	}
}
