package oidc

import (
	"slices"

	"github.com/touchmark/touchmark/identity"
)

// Standing returns the grants that the configuration gives to groups of an issuer,
// each once: what a principal in them holds without anybody having granted it. Groups
// of an issuer that is not configured give nothing.
func (v *Verifier) Standing(issuer string, groups []string) []identity.Grant {
	p, known := v.providers[issuer]
	if !known {
		return nil
	}
	var grants []identity.Grant
	for _, group := range groups {
		grant := identity.Grant{Role: p.roles[group], Fleet: identity.RootFleet}
		if grant.Role != "" && !slices.Contains(grants, grant) {
			grants = append(grants, grant)
		}
	}
	return grants
}
