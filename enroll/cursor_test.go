package enroll_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// parts reads a list one item at a time, and returns how many items each part has and
// every cursor.
func parts[T any](t *testing.T, read func(enroll.Page) (enroll.List[T], error)) (sizes []int, cursors []string) {
	t.Helper()
	page := enroll.Page{Limit: 1}
	for {
		list, err := read(page)
		check(t, err)
		sizes = append(sizes, len(list.Items))
		if page.After = list.Next; page.After == "" {
			return sizes, cursors
		}
		cursors = append(cursors, page.After)
	}
}

// Cursors of lists in which others' things stand between one's own name none of them,
// and the number of parts does not tell how many there are.
func TestListsTellNothingOfWhatTheyLeaveOut(t *testing.T) {
	r := newTokenRig(t)
	bob, olga := person("bob"), person("olga", "operator@/berlin", "auditor@/berlin")
	for _, order := range []enroll.OrderInfo{r.paris, r.berlin} {
		for i := range 4 {
			issued, err := r.vouch(order, fmt.Sprintf("%.1s%d", strings.TrimPrefix(string(order.FleetPath), "/"), i), newKey(t))
			check(t, err)
			r.give(issued.Device, bob)
			_, err = r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: bob.ID(), Role: "auditor", Fleet: string(order.FleetPath)})
			check(t, err)
		}
	}
	devices := func(page enroll.Page) (enroll.List[enroll.DeviceInfo], error) {
		return r.UserDevices(t.Context(), olga, bob.ID(), page)
	}
	grants := func(page enroll.Page) (enroll.List[enroll.GrantInfo], error) {
		return r.Grants(t.Context(), olga, enroll.GrantQuery{For: bob.ID(), Page: page})
	}
	sizes, cursors := parts(t, devices)
	more, others := parts(t, grants)
	for name, sizes := range map[string][]int{"devices": sizes, "grants": more} {
		// Behind the last of one's own there may be others' at most once.
		if len(sizes) > 5 || sizes[0] != 1 || sizes[3] != 1 {
			t.Errorf("the parts of the %s have %v items", name, sizes)
		}
	}
	for _, cursor := range append(cursors, others...) {
		text, err := base64.RawURLEncoding.DecodeString(cursor)
		check(t, err)
		if strings.Contains(string(text), "TH20-") || strings.Contains(string(text), "grant") {
			t.Errorf("a cursor says %q", text)
		}
	}
	_, err := grants(enroll.Page{After: cursors[0], Limit: 1})
	wantCode(t, err, enroll.BadRequest)
	for _, cursor := range []string{"x", "AAAA", cursors[0][1:], cursors[0] + "A"} {
		_, err := devices(enroll.Page{After: cursor, Limit: 1})
		wantCode(t, err, enroll.BadRequest)
		_, err = r.Tokens(t.Context(), olga, enroll.TokenQuery{Page: enroll.Page{After: cursor}})
		wantCode(t, err, enroll.BadRequest)
	}
}

// Tokens of one branch are listed over their parts as ever.
func TestListsOfTokensGoOnFromSealedCursors(t *testing.T) {
	r := newTokenRig(t)
	for range 3 {
		r.token(r.admin)
		r.clock.advance(time.Second)
	}
	auditor := person("ida", "auditor@/berlin")
	seen := map[enroll.TokenID]bool{}
	sizes, _ := parts(t, func(page enroll.Page) (enroll.List[enroll.TokenInfo], error) {
		list, err := r.Tokens(t.Context(), auditor, enroll.TokenQuery{Page: page})
		for _, token := range list.Items {
			seen[token.ID] = true
		}
		return list, err
	})
	if len(seen) != 3 {
		t.Errorf("%v tokens in parts of %v", len(seen), sizes)
	}
	if _, err := r.Tokens(t.Context(), identity.Principal{}, enroll.TokenQuery{}); err == nil {
		t.Error("nobody is told of tokens")
	}
}
