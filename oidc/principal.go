package oidc

import (
	"slices"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// Bounds of what is taken from a token, in bytes where it is not said otherwise.
const (
	maxSubject = 255 // OpenID Connect Core 1.0, section 2
	maxName    = 255
	// MaxGroup bounds the name of a group. A longer one is passed over, as is one
	// that does not print: nobody could have meant it.
	MaxGroup = 256
	// MaxGroups is how many groups one caller may be in.
	MaxGroups = 500
)

// principal makes the caller of verified claims.
func (p *provider) principal(c claims) (identity.Principal, error) {
	subject, err := p.subjectOf(c)
	if err != nil {
		return identity.Principal{}, err
	}
	groups, err := p.groupsOf(c)
	if err != nil {
		return identity.Principal{}, err
	}
	who := identity.Principal{Kind: identity.OIDC, Issuer: p.Issuer, Subject: subject, Name: c.name(subject), Groups: groups}
	for _, group := range groups {
		grant := identity.Grant{Role: p.roles[group], Fleet: identity.RootFleet}
		if grant.Role != "" && !slices.Contains(who.Grants, grant) {
			who.Grants = append(who.Grants, grant)
		}
	}
	return who, nil
}

// subjectOf returns who the caller is for good.
func (p *provider) subjectOf(c claims) (string, error) {
	subject, _ := p.subject.in(c).(string)
	if subject == "" || len(subject) > maxSubject || !identity.Printable(subject) {
		return "", refuse("the token's %s claim is not a text of 1 to %d bytes, all printable", p.subject.text, maxSubject)
	}
	if strings.EqualFold(subject, c.text("email")) {
		// Addresses are given to the next of that name, with all that hangs on them.
		return "", refuse("the token's %s claim is an e-mail address, which may become somebody else's; have the provider send an id that stays, or name another claim in subject_claim", p.subject.text)
	}
	return subject, nil
}

// groupsOf returns the caller's groups, sorted, each once. A group only ever
// gives, so one that is passed over takes nothing from anybody else.
func (p *provider) groupsOf(c claims) ([]string, error) {
	if p.leftOut(c) {
		return nil, refuse("the token leaves out its groups, for there are too many of them; at the provider, send only the groups that are assigned to the application, or send app roles and name their claim in groups_claim")
	}
	groups := textsOf(p.groups.in(c))
	groups = slices.DeleteFunc(groups, func(group string) bool {
		return group == "" || len(group) > MaxGroup || !identity.Printable(group)
	})
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) > MaxGroups {
		return nil, refuse("the token names more than %d groups; at the provider, send only the groups that this server is to know", MaxGroups)
	}
	return append([]string(nil), groups...), nil
}

// leftOut reports whether the provider says that there are groups, but not which:
// as an aggregated or distributed claim (OpenID Connect Core 1.0, section 5.6.2),
// or in one of the ways of Microsoft Entra, hasgroups and groups:src1. To take
// that for no groups would be wrong in silence; to ask for them, where a token
// says, would be to be sent anywhere.
func (p *provider) leftOut(c claims) bool {
	sources, _ := c["_claim_sources"].(map[string]any)
	source, _ := p.groups.in(c).(string)
	if _, there := sources[source]; there {
		return true
	}
	elsewhere, _ := c["_claim_names"].(map[string]any)
	for _, top := range p.groups.tops() {
		if _, there := elsewhere[top]; there {
			return true
		}
		for name := range c {
			if strings.HasPrefix(name, top+":src") {
				return true
			}
		}
		if has, there := c["has"+top]; there && has != false {
			return true
		}
	}
	return false
}

// name is what people read; it decides nothing. Services have a client id only.
func (c claims) name(fallback string) string {
	for _, claim := range []string{"name", "preferred_username", "client_id"} {
		name := c.text(claim)
		if name != "" && len(name) <= maxName && identity.Printable(name) {
			return name
		}
	}
	return fallback
}
