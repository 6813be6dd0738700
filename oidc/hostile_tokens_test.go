package oidc_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/oidc"
)

// What bearers are told of more than one attack.
const (
	noAlgorithm = "the token's signature algorithm is not allowed; this server takes RS256, PS256, ES256, ES384, EdDSA"
	noSignature = "the token's signature does not hold"
	noKey       = "the token is signed with a key that its issuer does not publish"
	noKeys      = "the provider that issued the token cannot be asked for its keys; try again"
	noIssuer    = "the token's issuer is not configured on this server"
	noAudience  = "the token is for another audience; this server takes touchmark"
	noJWT       = "the token is not a JWT; opaque and encrypted tokens cannot be verified here, so ask the provider for a JWT access token"
	noForm      = "the token is not a well-formed JWT, or names a member twice"
	noClaims    = "the token's claims are malformed, or one stands there twice"
	noType      = "the token's typ is neither at+jwt (RFC 9068) nor JWT"
	noCritical  = "the token's header calls for an extension (crit), and this server knows none"
	noIDToken   = "this is an ID token; present the access token"
	noExpiry    = "the token has no expiry"
	noSubject   = "the token's sub claim is not a text of 1 to 255 bytes, all printable"
	noEMail     = "the token's sub claim is an e-mail address, which may become somebody else's; have the provider send an id that stays, or name another claim in subject_claim"
	tooLong     = "the token is longer than 16384 bytes"
)

// with makes a token of a good one with another header and other claims.
func with(header, claims m) func(*hostile) string {
	return func(h *hostile) string { return h.provider.token(h.rsa, header, claims) }
}

// headed makes a good token's claims a token with this header, unsigned.
func (h *hostile) headed(header m) string {
	return part(header) + "." + strings.Split(h.good(), ".")[1]
}

// signatureAttacks have the signature be none, or another one than it should be.
func signatureAttacks() []attack {
	all := []attack{
		{name: "no algorithm", token: with(m{"alg": nil}, nil), text: noAlgorithm},
		{name: "an algorithm of the provider's own", token: with(m{"alg": "rs256"}, nil), text: noAlgorithm},
		{name: "an algorithm that is not allowed", token: with(m{"alg": "RS512"}, nil), text: noAlgorithm},
		{name: "an algorithm that is a list", token: with(m{"alg": []string{"RS256"}}, nil), text: noForm},
		{name: "the algorithm of another kind of key", token: with(m{"alg": "ES256"}, nil), text: noKey},
		{name: "another algorithm of the kind of key", token: with(m{"alg": "PS256"}, nil), text: noKey},
		{name: "the algorithm of another curve", token: func(h *hostile) string { return h.provider.token(h.ec, m{"alg": "ES384"}, nil) }, text: noKey},
		{name: "a key's id for another kind of key", token: with(m{"kid": "ec"}, nil), text: noKey},
		{name: "an EdDSA of an elliptic curve", token: func(h *hostile) string { return h.provider.token(h.ec, m{"alg": "EdDSA"}, nil) }, text: noKey},
		{name: "PSS that is not", token: func(h *hostile) string {
			free := h.rsa.jwk()
			delete(free, "alg")
			h.publishSet(free)
			return h.provider.token(h.rsa, m{"alg": "PS256"}, nil)
		}, text: noSignature},
		{name: "no signature", token: func(h *hostile) string { return h.headed(m{"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}) + "." }, text: noSignature},
		{name: "a signature of nothing", token: func(h *hostile) string { return cut(h.good()) + b64(make([]byte, 256)) }, text: noSignature},
		{name: "an EC signature of zeros", token: func(h *hostile) string { return cut(h.provider.token(h.ec, nil, nil)) + b64(make([]byte, 64)) }, text: noSignature},
		{name: "an EC signature in DER", token: func(h *hostile) string {
			return cut(h.provider.token(h.ec, nil, nil)) + b64(append([]byte{0x30, 0x44, 2, 32}, make([]byte, 66)...))
		}, text: noSignature},
		{name: "another token's claims", token: func(h *hostile) string {
			mine, eves := strings.Split(h.good(), "."), strings.Split(h.provider.token(h.rsa, nil, m{"sub": "eve"}), ".")
			return mine[0] + "." + eves[1] + "." + mine[2]
		}, text: noSignature},
		{name: "a key that is not published", token: func(h *hostile) string { return h.provider.token(h.foreign, nil, nil) }, text: noKey},
		{name: "a key that is not published, by a published id", token: func(h *hostile) string { return h.provider.token(h.foreign, m{"kid": "rsa"}, nil) }, text: noSignature},
		{name: "a key that is not published, by no id", token: func(h *hostile) string { return h.provider.token(h.foreign, m{"kid": nil}, nil) }, text: noSignature},
		{name: "a key in the header", token: func(h *hostile) string {
			return h.provider.token(h.foreign, m{"kid": "rsa", "jwk": h.foreign.jwk()}, nil)
		}, text: noSignature},
		{name: "a private key in the header", token: func(h *hostile) string {
			return h.provider.token(h.foreign, m{"kid": "rsa", "jwk": private(h.ec)}, nil)
		}, text: noSignature},
		{name: "a certificate in the header", token: func(h *hostile) string {
			return h.provider.token(h.foreign, m{"kid": "rsa", "x5c": []string{"AAAA"}}, nil)
		}, text: noSignature},
	}
	for _, address := range []string{"jku", "x5u"} {
		all = append(all, attack{name: "a key where the header says (" + address + ")", token: func(h *hostile) string {
			return h.provider.token(h.foreign, m{"kid": "rsa", address: h.elsewhere.URL + "/keys"}, nil)
		}, text: noSignature}, attack{name: "an unknown key where the header says (" + address + ")", token: func(h *hostile) string {
			return h.provider.token(h.foreign, m{address: h.elsewhere.URL + "/keys"}, nil)
		}, text: noKey})
	}
	for _, none := range []string{"none", "None", "nOnE", "NONE", ""} {
		all = append(all, attack{name: "alg '" + none + "'", token: func(h *hostile) string { return h.headed(m{"alg": none, "typ": "at+jwt"}) + "." }, text: noAlgorithm},
			attack{name: "alg '" + none + "' with a signature", token: with(m{"alg": none}, nil), text: noAlgorithm})
	}
	return append(all, sharedSecrets()...)
}

// sharedSecrets take the public key for a secret that provider and server share.
func sharedSecrets() []attack {
	var all []attack
	for algorithm, hashed := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New} {
		for _, form := range []string{"PEM", "PEM without its last newline", "DER", "JWK", "the modulus"} {
			all = append(all, attack{name: algorithm + " with the public key as " + form, token: func(h *hostile) string {
				input := h.headed(m{"alg": algorithm, "kid": "rsa", "typ": "at+jwt"})
				mac := hmac.New(hashed, publicForms(h.rsa)[form])
				mac.Write([]byte(input))
				return input + "." + b64(mac.Sum(nil))
			}, text: noAlgorithm})
		}
	}
	slices.SortFunc(all, func(a, b attack) int { return strings.Compare(a.name, b.name) })
	return all
}

// cut is a token with its last dot, without what comes then.
func cut(token string) string { return token[:strings.LastIndex(token, ".")+1] }

// shapeAttacks are no JWT access tokens, or not in the form that they have.
func shapeAttacks() []attack {
	deep := strings.Repeat(`{"a":`, 1500) + "1" + strings.Repeat("}", 1500)
	all := []attack{
		{name: "nothing", token: func(*hostile) string { return "" }, text: noJWT},
		{name: "an opaque token", token: func(*hostile) string { return "2YotnFZFEjr1zCsicMWpAA" }, text: noJWT},
		{name: "an encrypted token", token: func(h *hostile) string { return h.good() + ".x.y" }, text: noJWT},
		{name: "a token in JSON", token: func(h *hostile) string {
			parts := strings.Split(h.good(), ".")
			return string(decoded(part(m{"protected": parts[0], "payload": parts[1], "signature": parts[2]})))
		}, text: noJWT},
		{name: "a token in two parts", token: func(h *hostile) string { return strings.TrimSuffix(cut(h.good()), ".") }, text: noJWT},
		{name: "one byte too long", token: func(h *hostile) string {
			return h.good() + strings.Repeat("A", oidc.MaxToken+1-len(h.good()))
		}, text: tooLong},
		{name: "huge", token: func(h *hostile) string { return h.good() + strings.Repeat("A", 8<<20) }, text: tooLong},
		{name: "huge, of dots", token: func(*hostile) string { return strings.Repeat(".", 1<<20) }, text: tooLong},
		{name: "dots", token: func(*hostile) string { return strings.Repeat(".", oidc.MaxToken) }, text: noJWT},
		{name: "no base64", token: func(h *hostile) string { return "{}" + h.good()[strings.Index(h.good(), "."):] }, text: noForm},
		{name: "padded base64", token: func(h *hostile) string { return strings.Replace(h.good(), ".", "=.", 1) }, text: noForm},
		{name: "a line broken", token: func(h *hostile) string { return h.good()[:4] + "\n" + h.good()[4:] }, text: noForm},
		{name: "no JSON", token: func(h *hostile) string { return b64([]byte("x")) + h.good()[strings.Index(h.good(), "."):] }, text: noForm},
		{name: "claims that are a list", token: func(h *hostile) string {
			return h.rsa.signed(part(m{"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}), b64([]byte("[]")))
		}, text: noForm},
		{name: "a header without end", token: func(h *hostile) string {
			return b64([]byte(deep)) + h.good()[strings.Index(h.good(), "."):]
		}, text: noAlgorithm},
		{name: "no typ", token: with(m{"typ": nil}, m{"nonce": "n"}), text: noType, idToken: true},
		{name: "a logout token", token: with(m{"typ": "logout+jwt"}, nil), text: noType},
		{name: "a DPoP proof", token: with(m{"typ": "dpop+jwt"}, nil), text: noType},
		{name: "an unknown extension", token: with(m{"crit": []string{"x"}, "x": 1}, nil), text: noCritical},
		{name: "an extension that go-jose knows", token: func(h *hostile) string {
			header, claims := part(m{"alg": "RS256", "kid": "rsa", "typ": "at+jwt", "crit": []string{"b64"}, "b64": false}), strings.Split(h.good(), ".")[1]
			return header + "." + claims + "." + b64(h.rsa.sign(header+"."+string(decoded(claims))))
		}, text: noCritical},
		{name: "no extensions", token: with(m{"crit": []string{}}, nil), text: noCritical},
	}
	for name, claims := range map[string]m{
		"by nonce": {"nonce": "n"}, "by at_hash": {"at_hash": "h"}, "by c_hash": {"c_hash": "h"}, "by s_hash": {"s_hash": "h"},
		"of Keycloak": {"typ": "ID"}, "by audience": {"azp": "touchmark"}, "by client": {"client_id": "touchmark"},
	} {
		all = append(all, attack{name: "an ID token " + name, token: with(m{"typ": "JWT"}, claims), text: noIDToken, idToken: true})
	}
	return all
}

// claimAttacks are tokens of the provider for somebody or something else.
func claimAttacks() []attack {
	return []attack{
		{name: "another audience", token: with(nil, m{"aud": "other"}), text: noAudience},
		{name: "an audience that begins so", token: with(nil, m{"aud": []string{"touch", "touchmark2"}}), text: noAudience},
		{name: "an audience in capitals", token: with(nil, m{"aud": "Touchmark"}), text: noAudience},
		{name: "an audience that holds it", token: with(nil, m{"aud": m{"touchmark": true}}), text: noAudience},
		{name: "no audience", token: with(nil, m{"aud": nil}), text: noAudience},
		{name: "expired", token: with(nil, m{"exp": now.Add(-3 * time.Minute).Unix()}), text: "the token expired 3m0s ago; sign in again"},
		{name: "expired by the leeway", token: with(nil, m{"exp": now.Add(-5 * time.Second).Unix()}), text: "the token expired 5s ago; sign in again"},
		{name: "no expiry", token: with(nil, m{"exp": nil}), text: noExpiry},
		{name: "an expiry in words", token: with(nil, m{"exp": "never"}), text: noExpiry},
		{name: "an expiry out of reach", token: with(nil, m{"exp": 1e300}), text: noExpiry},
		{name: "not valid yet", token: with(nil, m{"nbf": now.Add(100 * time.Minute).Unix()}), text: "the token is not valid for another 1h40m0s; compare this server's clock with the provider's"},
		{name: "bound to a key", token: with(nil, m{"cnf": m{"jkt": "x"}}), text: "the token is bound to a key; ask the provider for a bearer token"},
		{name: "no subject", token: with(nil, m{"sub": nil}), text: noSubject},
		{name: "an empty subject", token: with(nil, m{"sub": ""}), text: noSubject},
		{name: "a number as subject", token: with(nil, m{"sub": 7}), text: noSubject},
		{name: "a subject of two lines", token: with(nil, m{"sub": "a\nb"}), text: noSubject},
		{name: "a subject that turns around", token: with(nil, m{"sub": "alice\u202etoor"}), text: noSubject},
		{name: "a subject with what is not seen", token: with(nil, m{"sub": "alice\u200b"}), text: noSubject},
		{name: "a long subject", token: with(nil, m{"sub": strings.Repeat("a", 256)}), text: noSubject},
		{name: "an address as subject", token: with(nil, m{"sub": "alice@example.com", "email": "Alice@example.com"}), text: noEMail},
	}
}

// duplicateAttacks say one thing to one reader of a token, and another to another.
func duplicateAttacks() []attack {
	raw := func(header, claims string) func(*hostile) string {
		return func(h *hostile) string {
			return h.rsa.signed(b64([]byte(`{"alg":"RS256","typ":"at+jwt"`+header+`}`)),
				b64([]byte(`{"iss":"`+h.URL+`","sub":"alice","aud":"touchmark","exp":4000000000`+claims+`}`)))
		}
	}
	all := []attack{
		{name: "an issuer in capitals alone", token: func(h *hostile) string {
			return h.rsa.signed(part(m{"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}), part(m{"ISS": h.URL, "sub": "alice", "aud": "touchmark", "exp": 4000000000}))
		}, text: noIssuer},
		{name: "an algorithm in capitals alone", token: func(h *hostile) string {
			return h.headed(m{"ALG": "RS256", "kid": "rsa", "typ": "at+jwt"}) + ".AA"
		}, text: noAlgorithm},
		{name: "two groups within", token: raw("", `,"realm_access":{"roles":[],"roles":["pki-admins"]}`), text: noClaims},
	}
	for name, text := range map[string]string{
		"two subjects": `,"sub":"root"`, "two audiences": `,"aud":"other"`, "two expiries": `,"exp":4000000001`, "the same twice": `,"sub":"alice"`,
		"two groups":       `,"groups":[],"groups":["pki-admins"]`,
		"two by an escape": `,"s\u0075b":"root"`,
	} {
		all = append(all, attack{name: name, token: raw("", text), text: noForm})
	}
	for name, text := range map[string]string{"two algorithms": `,"alg":"none"`, "two key ids": `,"kid":"rsa","kid":"ec"`, "two types": `,"typ":"JWT"`} {
		all = append(all, attack{name: name, token: raw(text, ""), text: noForm})
	}
	return append(all, attack{name: "two issuers", token: func(h *hostile) string {
		return raw("", `,"iss":"`+h.other.URL+`"`)(h)
	}, text: noForm})
}
