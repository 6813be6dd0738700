package config

import (
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// oidc leaves it to package oidc to say what is wrong.
func (c *checker) oidc(providers []Provider, roles map[string]string) oidc.Config {
	var config oidc.Config
	for _, p := range providers {
		provider := oidc.ProviderConfig{
			Issuer:         p.Issuer,
			GroupsClaim:    p.GroupsClaim,
			SubjectClaim:   p.SubjectClaim,
			AcceptIDTokens: p.AcceptIDTokens,
			Algorithms:     p.Algorithms,
		}
		if p.Audience != "" {
			provider.Audiences = []string{p.Audience}
		}
		config.Providers = append(config.Providers, provider)
	}
	config.Roles = make(map[string]identity.Role, len(roles))
	for group, role := range roles {
		config.Roles[group] = identity.Role(role)
	}
	check := config
	check.Clock = time.Now // it is asked nothing
	if _, err := oidc.New(check); err != nil {
		c.faults.absorb("", err)
	}
	return config
}
