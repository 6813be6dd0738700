package oidc

// Anew is New for a configuration that takes the place of another: what providers
// have published stays known where they are configured again and are asked by the
// same HTTPClient, so that nobody is turned away because a provider is out of reach
// just then. v is not changed, and may be used further.
func (v *Verifier) Anew(c Config) (*Verifier, error) {
	next, err := New(c)
	if err != nil {
		return nil, err
	}
	if c.HTTPClient != v.client {
		return next, nil
	}
	for issuer, p := range next.providers {
		if known := v.providers[issuer]; known != nil {
			p.keys = known.keys
		}
	}
	return next, nil
}
