package oidc_test

import "strconv"

const (
	leftOut = "the token leaves out its groups, for there are too many of them; at the provider, send only the groups that are assigned to the application, or send app roles and name their claim in groups_claim"
	tooMany = "the token names more than 500 groups; at the provider, send only the groups that this server is to know"
)

// numbered are so many groups, after one that gives power.
func numbered(n int) []string {
	groups := []string{"pki-admins"}
	for i := range n - 1 {
		groups = append(groups, strconv.Itoa(i))
	}
	return groups
}

// groupAttacks are tokens of which the groups cannot be known.
func groupAttacks() []attack {
	graph := m{"src1": m{"endpoint": "https://graph.example.com/users/alice/getMemberObjects"}}
	return []attack{
		{name: "groups in another place", token: with(nil, m{"groups": nil, "_claim_names": m{"groups": "src1"}, "_claim_sources": graph}), text: leftOut},
		{name: "groups in another place that is not told", token: with(nil, m{"groups": nil, "_claim_names": m{"groups": "src1"}}), text: leftOut},
		{name: "some groups here, others in another place", token: with(nil, m{"_claim_names": m{"groups": "src1"}, "_claim_sources": graph}), text: leftOut},
		{name: "hasgroups", token: with(nil, m{"groups": nil, "hasgroups": true}), text: leftOut},
		{name: "hasgroups as text", token: with(nil, m{"groups": nil, "hasgroups": "true"}), text: leftOut},
		{name: "groups:src1", token: with(nil, m{"groups": nil, "groups:src1": graph["src1"]}), text: leftOut},
		{name: "groups that name their source", token: with(nil, m{"groups": "src1", "_claim_sources": graph}), text: leftOut},
		{name: "more groups than may be", token: with(nil, m{"groups": numbered(501)}), text: tooMany},
	}
}
