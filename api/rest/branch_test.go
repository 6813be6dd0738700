package rest_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// branchTokens knows one more: "anna" audits /ulm.
type branchTokens struct{ rest.Tokens }

func (b branchTokens) Verify(ctx context.Context, token string) (identity.Principal, error) {
	if token != "anna" {
		return b.Tokens.Verify(ctx, token)
	}
	return identity.Principal{
		Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "anna",
		Grants: []identity.Grant{{Role: identity.Auditor, Fleet: "/ulm"}},
	}, nil
}

// newBranchRig is a rig that knows anna.
func newBranchRig(t testing.TB) *rig {
	t.Helper()
	r := newRig(t)
	r.Config.Tokens = branchTokens{r.Config.Tokens}
	r.handler = rest.New(r.Config)
	return r
}

func TestCertificatesOfABranch(t *testing.T) {
	r := newBranchRig(t)
	r.enrolled("SN1")
	order := r.call("admin", "POST", "/api/v1/orders", m{"fleet": "/ulm/line-1", "model": "TH20", "quantity": 1}).want(t, 201)["id"].(string)
	r.call("break-glass", "POST", "/api/v1/orders/"+order+"/devices", m{"serial": "SN2", "csr": resttest.CSR(t, resttest.NewKey(t))}).want(t, 201)
	for query, want := range map[string][]string{
		"admin":                  {"TH20-SN1", "TH20-SN2"},
		"admin?fleet=/ulm":       {"TH20-SN2"},
		"anna":                   {"TH20-SN2"},
		"anna?fleet=/ulm/line-1": {"TH20-SN2"},
		"anna?expiring_before=2030-05-06T07:08:10Z":               nil,
		"admin?fleet=/berlin&expiring_after=2040-05-06T07:08:10Z": nil,
	} {
		who, filter, _ := strings.Cut(query, "?")
		var got []string
		for _, item := range r.call(who, "GET", "/api/v1/certificates?"+filter, nil).want(t, 200)["items"].([]any) {
			got = append(got, item.(m)["device"].(string))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	r.call("anna", "GET", "/api/v1/certificates?fleet=/berlin", nil).refused(t, 404, enroll.NotFound)
	r.call("anna", "GET", "/api/v1/certificates?fleet=/ulm&device=TH20-SN2", nil).refused(t, 400, enroll.BadRequest)
}
