package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/touchmark/touchmark/identity"
)

// Config says whose tokens are believed, and what their groups may do.
type Config struct {
	// Providers are told apart by issuer. With none, no token is believed.
	Providers []ProviderConfig
	// Roles gives the members of a group, by the name that the provider uses, a
	// role on the whole fleet tree. What is not listed gives nothing. They are for
	// every provider that has no Roles of its own: with several of those, each
	// provider decides who is in a group of that name.
	Roles map[string]identity.Role
	// HTTPClient asks the providers; by default one that waits 10 seconds. Its
	// Transport is wrapped, never changed.
	HTTPClient *http.Client
	Clock      func() time.Time
	Log        *slog.Logger // nil for none
}

// ProviderConfig is one provider as the operator configures it.
type ProviderConfig struct {
	// Issuer is compared with a token's iss octet by octet. It is an https URL;
	// http is for loopback hosts alone.
	Issuer string
	// Audiences are what a token must be for: one of them stands in its aud.
	Audiences []string
	// GroupsClaim says where the token lists groups, "groups" by default: the name
	// of a claim, or else names with dots between them for one within another
	// (realm_access.roles). With a slash in front it is a JSON Pointer (RFC 6901),
	// which means one place alone (/realm_access/roles). 1 to 256 bytes.
	GroupsClaim string
	// SubjectClaim says, as GroupsClaim does, which claim identifies the caller for
	// good, "sub" by default. Those that hold an e-mail address or a name are
	// refused: they may become somebody else's.
	SubjectClaim string
	// Roles, where it is not nil, stands in for Config.Roles. What is not listed
	// gives nothing.
	Roles map[string]identity.Role
	// AcceptIDTokens takes ID tokens too, for providers whose access tokens are
	// opaque. It is off by default: an ID token tells a client who signed in, and
	// was never meant to open an API.
	AcceptIDTokens bool
	// Algorithms are the JWS algorithms (RFC 7518, section 3.1) that are believed;
	// DefaultAlgorithms by default. Only those of public keys can be named.
	Algorithms []string
}

// DefaultAlgorithms are the signature algorithms that are believed where the
// configuration names none.
func DefaultAlgorithms() []string {
	return []string{gooidc.RS256, gooidc.PS256, gooidc.ES256, gooidc.ES384, gooidc.EdDSA}
}

// knownAlgorithms are all that may be configured. "none" and the HS family,
// whose key the verifier would share with the signer, are not among them.
func knownAlgorithms() []string {
	return []string{
		gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.PS256, gooidc.PS384, gooidc.PS512,
		gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.EdDSA,
	}
}

// Where who it is and its groups stand, unless the configuration says otherwise.
const (
	defaultSubject = "sub"
	defaultGroups  = "groups"
)

func (c *ProviderConfig) setDefaults() {
	c.GroupsClaim = cmp.Or(c.GroupsClaim, defaultGroups)
	c.SubjectClaim = cmp.Or(c.SubjectClaim, defaultSubject)
	if len(c.Algorithms) == 0 {
		c.Algorithms = DefaultAlgorithms()
	}
}

// validate reports every fault at once, each under its key in the configuration.
func (c *Config) validate() error {
	var faults []error
	if c.Clock == nil {
		faults = append(faults, errors.New("no clock"))
	}
	seen := map[string]bool{}
	for i, p := range c.Providers {
		at := fmt.Sprintf("oidc.providers[%d]", i)
		if seen[p.Issuer] {
			faults = append(faults, fmt.Errorf("%s.issuer: %q stands there twice; give each provider once", at, p.Issuer))
		}
		seen[p.Issuer] = true
		faults = append(faults, p.faults(at)...)
	}
	faults = append(faults, roleFaults("roles", c.Roles)...)
	return errors.Join(faults...)
}

func roleFaults(at string, roles map[string]identity.Role) []error {
	var faults []error
	for _, group := range slices.Sorted(maps.Keys(roles)) {
		switch {
		case group == "":
			faults = append(faults, fmt.Errorf("%s: a group has no name", at))
		case len(group) > MaxGroup || !identity.Printable(group):
			faults = append(faults, fmt.Errorf("%s: the group %.80q is longer than %d bytes, or does not print, and would not be taken from a token", at, group, MaxGroup))
		}
		if !slices.Contains(identity.Roles(), roles[group]) {
			faults = append(faults, fmt.Errorf("%s.%s: %q is no role; use one of %v", at, group, roles[group], identity.Roles()))
		}
	}
	return faults
}

func (c *ProviderConfig) faults(at string) []error {
	var faults []error
	if err := checkIssuer(c.Issuer); err != nil {
		faults = append(faults, fmt.Errorf("%s.issuer: %w", at, err))
	}
	if len(c.Audiences) == 0 || slices.Contains(c.Audiences, "") {
		faults = append(faults, fmt.Errorf("%s.audience: missing; name what the provider puts into aud of tokens for this server", at))
	}
	for _, algorithm := range c.Algorithms {
		if !slices.Contains(knownAlgorithms(), algorithm) {
			faults = append(faults, fmt.Errorf("%s.algorithms: %q is not allowed; use any of %s", at, algorithm, strings.Join(knownAlgorithms(), ", ")))
		}
	}
	if _, err := parseClaimPath(cmp.Or(c.GroupsClaim, defaultGroups)); err != nil {
		faults = append(faults, fmt.Errorf("%s.groups_claim: %w", at, err))
	}
	if err := checkSubjectClaim(cmp.Or(c.SubjectClaim, defaultSubject)); err != nil {
		faults = append(faults, fmt.Errorf("%s.subject_claim: %w", at, err))
	}
	return append(faults, roleFaults(at+".roles", c.Roles)...)
}

// checkSubjectClaim refuses claims that change, or that the next person gets.
func checkSubjectClaim(text string) error {
	path, err := parseClaimPath(text)
	if err != nil {
		return err
	}
	if slices.Contains(passingClaims(), strings.ToLower(path.last())) {
		return fmt.Errorf("%q holds an address or a name, which may become somebody else's; use a claim that stays, such as sub, or oid at Microsoft Entra", text)
	}
	return nil
}

// passingClaims are what claims with addresses and names are called (OpenID Connect
// Core 1.0, section 5.1; Microsoft Entra), in lower case.
func passingClaims() []string {
	return []string{
		"email", "emails", "mail", "emailaddress", "preferred_username", "upn", "unique_name",
		"nickname", "name", "given_name", "family_name", "middle_name",
	}
}

// checkIssuer holds an issuer to OpenID Connect Discovery 1.0, section 3: an
// https URL without query and fragment, and without their marks alone, since a #
// stands between issuer and subject in a principal's id.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case issuer == "":
		return errors.New("missing; it is the URL that the provider calls itself")
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#"):
		return fmt.Errorf("%q is not a URL such as https://login.example.com/realm", issuer)
	case !trustworthy(u):
		return fmt.Errorf("%q is not https; http is for loopback hosts alone", issuer)
	}
	return nil
}

// trustworthy reports whether what u says can be believed: it comes over TLS or
// from this machine.
func trustworthy(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	host := u.Hostname()
	return u.Scheme == "http" && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
