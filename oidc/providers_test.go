package oidc_test

import (
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// TestRolesOfAProvider gives a group of one name what each provider's
// configuration says, not what another's does.
func TestRolesOfAProvider(t *testing.T) {
	key := newEd25519(t, "ed")
	roles := func(role identity.Role) map[string]identity.Role { return map[string]identity.Role{"pki-admins": role} }
	for name, c := range map[string]struct {
		own  map[string]identity.Role
		want identity.Role // "" for none
	}{
		"those at the top":        {nil, identity.Admin},
		"its own":                 {roles(identity.Auditor), identity.Auditor},
		"its own, none":           {map[string]identity.Role{}, ""},
		"its own, of other names": {map[string]identity.Role{"guests": identity.Auditor}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ours, partners := startProvider(t), startProvider(t)
			ours.publish(key)
			partners.publish(key)
			v, err := oidc.New(oidc.Config{
				Providers: []oidc.ProviderConfig{
					{Issuer: ours.URL, Audiences: []string{"touchmark"}},
					{Issuer: partners.URL, Audiences: []string{"touchmark"}, Roles: c.own},
				},
				Roles: roles(identity.Admin), Clock: func() time.Time { return now },
			})
			if err != nil {
				t.Fatal(err)
			}
			us, err := v.Verify(t.Context(), ours.token(key, nil, nil))
			if err != nil || !reflect.DeepEqual(us.Grants, []identity.Grant{{Role: identity.Admin, Fleet: identity.RootFleet}}) {
				t.Errorf("ours is %+v, %v", us, err)
			}
			them, err := v.Verify(t.Context(), partners.token(key, nil, nil))
			if err != nil {
				t.Fatal(err)
			}
			var want []identity.Grant
			if c.want != "" {
				want = []identity.Grant{{Role: c.want, Fleet: identity.RootFleet}}
			}
			if !reflect.DeepEqual(them.Grants, want) {
				t.Errorf("the partner's has %v, want %v", them.Grants, want)
			}
			if us.ID() == them.ID() || us.Subject != them.Subject {
				t.Errorf("one subject of two providers is %s and %s", us.ID(), them.ID())
			}
		})
	}
}

// TestRedirectsOnOneHost follows a provider that moved its keys.
func TestRedirectsOnOneHost(t *testing.T) {
	h := startHostile(t, newKeyring(t), true, nil)
	h.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" {
			http.Redirect(w, r, "/keys?moved", http.StatusFound)
			return
		}
		h.provider.answer(w, m{"keys": []any{h.rsa.jwk()}})
	})
	mustVerify(t, h.verifier, h.good())
}

// TestKeysRotateWhileTokensComeIn changes keys as providers do: the new key is
// published beside the old one, signs, and the old one goes. Until then every token
// of either is good, and the provider is asked no more than it needs to be.
func TestKeysRotateWhileTokensComeIn(t *testing.T) {
	p := startProvider(t)
	first, second := newEd25519(t, "1"), newEd25519(t, "2")
	p.publish(first)
	v, at := verifierOf(t, p, nil)
	before, after := p.token(first, nil, nil), p.token(second, nil, nil)
	mustVerify(t, v, before)

	p.publish(first, second)
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() { mustVerify(t, v, []string{before, after}[i%2]) })
	}
	callers.Wait()
	if asked := p.asked.Load(); asked != 2 {
		t.Errorf("the provider was asked %d times, want 2", asked)
	}

	p.publish(second)
	at.add(61 * time.Minute)
	mustVerify(t, v, after)
	mustRefuse(t, v, before, enroll.Unauthenticated)
}
