package enroll_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestTokenLists(t *testing.T) {
	r := newTokenRig(t)
	mia, lea := person("mia"), person("lea")
	for _, fleet := range []string{"/berlin", "/paris"} {
		r.grant(mia.ID(), identity.Operator, fleet)
	}
	r.grant(lea.ID(), identity.Operator, "/berlin")
	names := map[string]enroll.TokenID{}
	add := func(name, fleet string, maker identity.Principal) {
		made := r.token(maker, func(n *enroll.NewToken) { n.Name, n.Fleet = name, fleet })
		names[name] = made.ID
		r.clock.advance(time.Second)
	}
	add("m-berlin", "/berlin", mia)
	add("m-paris", "/paris", mia)
	add("l-line", "/berlin/line-3", lea)
	add("a-root", "/", r.admin)
	r.deleteGrants(mia.ID()) // she keeps what she made
	r.grant(mia.ID(), identity.Auditor, "/berlin")
	token := r.holder(r.token(r.admin, func(n *enroll.NewToken) { n.Name, n.Permissions = "reader", []string{"token.read"} }))

	list := func(p identity.Principal, fleet, maker string, limit int) (found []string, err error) {
		q := enroll.TokenQuery{Fleet: fleet, Maker: maker, Page: enroll.Page{Limit: limit}}
		for range 100 {
			part, err := r.Tokens(t.Context(), p, q)
			if err != nil {
				return found, err
			}
			if len(part.Items) > limit {
				t.Errorf("a part has %d items", len(part.Items))
			}
			for _, item := range part.Items {
				found = append(found, item.Name)
			}
			if q.After = part.Next; part.Next == "" {
				return found, nil
			}
		}
		return found, errors.New("the list does not end")
	}
	for name, c := range map[string]struct {
		p            identity.Principal
		fleet, maker string
		want         []string
	}{
		"all there are":               {r.admin, "", "", []string{"m-berlin", "m-paris", "l-line", "a-root", "reader"}},
		"all of a branch":             {r.admin, "/berlin", "", []string{"m-berlin", "reader", "l-line"}},
		"of one maker":                {r.admin, "", lea.ID(), []string{"l-line"}},
		"of one maker, in a branch":   {r.admin, "/berlin", mia.ID(), []string{"m-berlin"}},
		"of nobody":                   {r.admin, "", "oidc:nobody", nil},
		"one's own and one's branch":  {mia, "", "", []string{"m-berlin", "m-paris", "reader", "l-line"}},
		"one's own":                   {mia, "", mia.ID(), []string{"m-berlin", "m-paris"}},
		"one's own, without any role": {person("mia"), "", mia.ID(), []string{"m-berlin", "m-paris"}},
		"another's in one's branch":   {mia, "", r.admin.ID(), []string{"reader"}},
		"one's branch":                {mia, "/berlin", "", []string{"m-berlin", "reader", "l-line"}},
		"by a token":                  {token, "", "", []string{"m-berlin", "reader", "l-line"}},
	} {
		for _, limit := range []int{1, 2, 100} {
			t.Run(fmt.Sprintf("%s, by %d", name, limit), func(t *testing.T) {
				found, err := list(c.p, c.fleet, c.maker, limit)
				check(t, err)
				if !slices.Equal(found, c.want) {
					t.Errorf("lists %v, want %v", found, c.want)
				}
			})
		}
	}
	for name, c := range map[string]struct {
		p            identity.Principal
		fleet, maker string
		code         enroll.Code
	}{
		"nobody":                      {identity.Principal{}, "", "", enroll.Unauthenticated},
		"who may not":                 {person("otto"), "", "", enroll.Forbidden},
		"another's":                   {person("otto"), "", mia.ID(), enroll.Forbidden},
		"a branch that is not theirs": {mia, "/paris", "", enroll.NotFound},
		"a branch that is not there":  {mia, "/rome", "", enroll.NotFound},
		"a malformed branch":          {mia, "rome", "", enroll.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := list(c.p, c.fleet, c.maker, 10)
			wantCode(t, err, c.code)
		})
	}
	_, err := r.Tokens(t.Context(), r.admin, enroll.TokenQuery{Page: enroll.Page{After: "nonsense"}})
	wantCode(t, err, enroll.BadRequest)

	// One by one, what a list does not tell is not there.
	show := func(p identity.Principal, name string) error {
		_, err := r.Token(t.Context(), p, string(names[name]))
		return err
	}
	check(t, show(mia, "l-line"))
	check(t, show(mia, "m-paris"))
	wantCode(t, show(mia, "a-root"), enroll.NotFound)
	wantCode(t, show(lea, "m-paris"), enroll.NotFound)
	wantCode(t, show(identity.Principal{}, "l-line"), enroll.Unauthenticated)
	_, err = r.Token(t.Context(), r.admin, "../token")
	wantCode(t, err, enroll.NotFound)
	if _, err = r.Token(t.Context(), r.admin, "\n"); err == nil {
		t.Error("a key that cannot be is found")
	}
}
