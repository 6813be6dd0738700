package oidc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// maxClaimPath bounds the text of a claim path, in bytes.
const maxClaimPath = 256

// claimPath says where in a token a claim stands. It is configured as one of
//
//   - a JSON Pointer (RFC 6901), which begins with a slash:
//     /resource_access/my.client/roles. It leads through objects alone, and means
//     one place whatever else stands in the token;
//   - the name of a claim, or names with dots between them: realm_access.roles.
//     A claim of exactly that name goes first, since names hold dots too
//     (https://example.com/groups); only a token without it is searched by parts.
type claimPath struct {
	text  string   // as it is configured
	whole bool     // whether a claim of exactly this name goes first
	steps []string // from the top; none where text is a name alone
}

// parseClaimPath reads a claim path. The error says how it should be.
func parseClaimPath(text string) (claimPath, error) {
	if text == "" || len(text) > maxClaimPath || !identity.Printable(text) {
		return claimPath{}, fmt.Errorf("%.80q is no claim: it is 1 to %d bytes, all printable", text, maxClaimPath)
	}
	if pointer, found := strings.CutPrefix(text, "/"); found {
		steps, err := parsePointer(pointer)
		return claimPath{text: text, steps: steps}, err
	}
	path := claimPath{text: text, whole: true}
	if steps := strings.Split(text, "."); len(steps) > 1 && !slices.Contains(steps, "") {
		path.steps = steps
	}
	return path, nil
}

// parsePointer reads a JSON Pointer behind its first slash (RFC 6901, section 3).
func parsePointer(text string) ([]string, error) {
	steps := strings.Split(text, "/")
	for i, step := range steps {
		plain := strings.NewReplacer("~0", "", "~1", "").Replace(step)
		if step == "" || strings.Contains(plain, "~") {
			return nil, errors.New("it begins with a slash and so is a JSON Pointer (RFC 6901), such as /realm_access/roles; between slashes stand names, in which ~1 is a slash and ~0 a tilde")
		}
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	}
	return steps, nil
}

// in returns the claim's value; nil where the token has none.
func (p claimPath) in(c claims) any {
	if value, there := c[p.text]; p.whole && there {
		return value
	}
	if len(p.steps) == 0 {
		return nil
	}
	var value any = map[string]any(c)
	for _, step := range p.steps {
		object, _ := value.(map[string]any)
		value = object[step]
	}
	return value
}

// tops are the claims at the top of a token that the path may begin with.
func (p claimPath) tops() []string {
	var tops []string
	if p.whole {
		tops = append(tops, p.text)
	}
	if len(p.steps) > 0 {
		tops = append(tops, p.steps[0])
	}
	return tops
}

// last is what the claim is called by itself, without what stands before it:
// email of https://example.com/email.
func (p claimPath) last() string {
	name := p.text
	if !p.whole {
		name = p.steps[len(p.steps)-1]
	}
	return name[strings.LastIndexAny(name, "/.:")+1:]
}
