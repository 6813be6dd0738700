package config

import (
	"strings"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// oidc leaves it to package oidc to say what is wrong.
func (c *checker) oidc(providers []Provider, roles Roles) oidc.Config {
	config := oidc.Config{Roles: roles.byGroup()}
	for _, p := range providers {
		provider := oidc.ProviderConfig{
			Issuer:         p.Issuer,
			GroupsClaim:    p.GroupsClaim,
			SubjectClaim:   p.SubjectClaim,
			Roles:          p.Roles.byGroup(),
			AcceptIDTokens: p.AcceptIDTokens,
			Algorithms:     p.Algorithms,
		}
		if p.Audience != "" {
			provider.Audiences = []string{p.Audience}
		}
		config.Providers = append(config.Providers, provider)
	}
	check := config
	check.Clock = time.Now // it is asked nothing
	if _, err := oidc.New(check); err != nil {
		c.faults.absorb("", err)
	}
	c.sharedRoles(config)
	return config
}

func (c *checker) branchFleets(n int) int {
	n = orDefault(n, enroll.DefaultBranchFleets)
	if n < 1 || n > enroll.MaxBranchFleets {
		c.faults.add("access.branch_fleets", "%d must be 1 to %d", n, enroll.MaxBranchFleets)
	}
	return n
}

// sharedRoles warns of roles at the top that are not one provider's: whoever names
// groups at any of them names administrators of this server.
func (c *checker) sharedRoles(config oidc.Config) {
	var sharing []string
	for _, p := range config.Providers {
		if p.Roles == nil {
			sharing = append(sharing, p.Issuer)
		}
	}
	switch {
	case len(config.Roles) == 0 || len(config.Providers) == 0:
	case len(sharing) == 0:
		c.warnings.add("roles", "they mean nothing, since each provider has roles of its own; remove them")
	case len(sharing) > 1:
		c.warnings.add("roles", "they hold for a group of that name at each of %s, whoever runs it; give each provider roles of its own (oidc.providers[].roles)", strings.Join(sharing, ", "))
	}
}

// byGroup keeps apart no roles, {}, and none that are given, nil.
func (r Roles) byGroup() map[string]identity.Role {
	if r == nil {
		return nil
	}
	roles := make(map[string]identity.Role, len(r))
	for group, role := range r {
		roles[group] = identity.Role(role)
	}
	return roles
}
