package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/enroll"
)

// jwkWith is a key as it is published, but for some members; nil leaves one out.
func (k signingKey) jwkWith(members m) m {
	key := k.jwk()
	maps.Copy(key, members)
	maps.DeleteFunc(key, func(_ string, v any) bool { return v == nil })
	return key
}

// private is a key as it should never be published.
func private(k signingKey) m {
	switch key := k.signer.(type) {
	case *ecdsa.PrivateKey:
		d, err := key.Bytes()
		if err != nil {
			panic(err)
		}
		return k.jwkWith(m{"d": b64(d)})
	case *rsa.PrivateKey:
		return k.jwkWith(m{"d": b64(key.D.Bytes()), "p": b64(key.Primes[0].Bytes()), "q": b64(key.Primes[1].Bytes())})
	default:
		panic("unknown key")
	}
}

// small is a key that was good enough in 2010.
func small() signingKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return signingKey{"small", key}
}

func onP384() signingKey {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return signingKey{"p384", key}
}

// keyAttacks publish what signs nothing, or more than can be read.
func keyAttacks() []attack {
	foreign := func(h *hostile) string { return h.provider.token(h.foreign, nil, nil) }
	// beside publishes a key of this form, which signed the token, beside good ones.
	beside := func(name string, form func(*hostile) m) attack {
		return attack{name: name, token: func(h *hostile) string {
			h.lie(form(h))
			return foreign(h)
		}, text: noKey}
	}
	// instead has the provider answer this for its keys.
	instead := func(name string, keys func(*hostile) http.HandlerFunc) attack {
		return attack{name: name, token: func(h *hostile) string {
			h.serve(keys(h))
			return foreign(h)
		}, code: enroll.Unavailable, text: noKeys}
	}
	says := func(status int, text string) func(*hostile) http.HandlerFunc {
		return func(*hostile) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				fmt.Fprint(w, text)
			}
		}
	}
	return []attack{
		beside("a private key", func(h *hostile) m { return private(h.foreign) }),
		beside("a secret", func(h *hostile) m {
			return m{"kty": "oct", "kid": "foreign", "k": b64(publicForms(h.foreign)["DER"])}
		}),
		beside("the kind of another key", func(h *hostile) m { return h.foreign.jwkWith(m{"kty": "EC", "crv": "P-256"}) }),
		beside("a kind that nobody knows", func(h *hostile) m { return h.foreign.jwkWith(m{"kty": "AKP"}) }),
		beside("no kind", func(h *hostile) m { return h.foreign.jwkWith(m{"kty": nil}) }),
		beside("a key for encryption", func(h *hostile) m { return h.foreign.jwkWith(m{"use": "enc"}) }),
		beside("a key with other operations", func(h *hostile) m {
			return h.foreign.jwkWith(m{"use": nil, "key_ops": []string{"encrypt", "wrapKey"}})
		}),
		beside("operations that are none", func(h *hostile) m { return h.foreign.jwkWith(m{"key_ops": "verify"}) }),
		beside("a key for another algorithm", func(h *hostile) m { return h.foreign.jwkWith(m{"alg": "RS512"}) }),
		beside("a certificate of another key", func(h *hostile) m {
			return h.foreign.jwkWith(m{"x5c": []string{base64.StdEncoding.EncodeToString(h.elsewhereCertificate())}})
		}),
		beside("a key that is no object", func(h *hostile) m { return m{"keys": []any{h.foreign.jwk()}} }),
		beside("a modulus of zero", func(h *hostile) m { return h.foreign.jwkWith(m{"n": ""}) }),
		beside("a modulus of a megabit", func(h *hostile) m {
			return h.foreign.jwkWith(m{"n": b64(slices.Concat(decoded(h.foreign.jwk()["n"].(string)), make([]byte, 1<<17)))})
		}),
		{name: "a small RSA key", token: func(h *hostile) string {
			key := small()
			h.lie(key.jwk())
			return h.provider.token(key, nil, nil)
		}, text: noKey},
		{name: "a point that is on no curve", token: func(h *hostile) string {
			h.lie(h.ec.jwkWith(m{"kid": "off", "y": h.ec.jwk()["x"]}))
			return h.provider.token(signingKey{"off", h.ec.signer}, nil, nil)
		}, text: noKey},
		{name: "ES256 on another curve", token: func(h *hostile) string {
			key := onP384()
			point, err := key.signer.Public().(*ecdsa.PublicKey).Bytes()
			if err != nil {
				panic(err)
			}
			h.lie(m{"kty": "EC", "kid": "p384", "crv": "P-384", "x": b64(point[1:49]), "y": b64(point[49:])})
			return h.headed(m{"alg": "ES256", "kid": "p384", "typ": "at+jwt"}) + "." + b64(make([]byte, 64))
		}, text: noKey},
		{name: "private keys alone", token: func(h *hostile) string {
			h.publishSet(private(h.foreign), private(h.ec))
			return foreign(h)
		}, code: enroll.Unavailable, text: noKeys},
		instead("thousands of keys", func(h *hostile) http.HandlerFunc {
			one := string(decoded(part(h.ec.jwkWith(m{"kid": nil}))))
			return says(http.StatusOK, `{"keys":[`+strings.Repeat(one+",", 5000)+string(decoded(part(h.foreign.jwk())))+`]}`)(h)
		}),
		instead("a hundred megabytes", func(h *hostile) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				h.send(w, `{"keys":[`+string(decoded(part(h.foreign.jwk())))+`],"more":"`)
				chunk := strings.Repeat("A", 1<<20)
				for range 100 {
					if !h.send(w, chunk) {
						return
					}
				}
				h.send(w, `"}`)
			}
		}),
		instead("half an answer", func(h *hostile) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "5000")
				fmt.Fprint(w, `{"keys":[`+string(decoded(part(h.foreign.jwk())))+`]}`)
			}
		}),
		instead("no keys", says(http.StatusOK, `{"keys":[]}`)),
		instead("keys in no set", says(http.StatusOK, `[]`)),
		instead("no JSON", says(http.StatusOK, `<html>Sign in</html>`)),
		instead("an error with keys", func(h *hostile) http.HandlerFunc {
			return says(http.StatusInternalServerError, `{"keys":[`+string(decoded(part(h.foreign.jwk())))+`]}`)(h)
		}),
	}
}

// send writes a part of an endless answer, and reports whether anybody reads on.
func (h *hostile) send(w http.ResponseWriter, text string) bool {
	n, err := fmt.Fprint(w, text)
	h.written.Add(int64(n))
	return err == nil
}

// redirectAttacks send whoever asks for keys to where others listen.
func redirectAttacks() []attack {
	to := func(name string, tls bool, address func(*hostile, *http.Request) string) attack {
		return attack{name: name, tls: tls, token: func(h *hostile) string {
			h.serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address(h, r), http.StatusFound) })
			return h.provider.token(h.foreign, nil, nil)
		}, code: enroll.Unavailable, text: noKeys}
	}
	says := func(name string, tls bool, metadata func(*hostile) m) attack {
		return attack{name: name, tls: tls, token: func(h *hostile) string {
			h.say(metadata(h))
			return h.provider.token(h.foreign, nil, nil)
		}, code: enroll.Unavailable, text: noKeys}
	}
	elsewhere := func(h *hostile, _ *http.Request) string { return h.elsewhere.URL + "/keys" }
	return []attack{
		to("a redirect to another host", false, elsewhere),
		to("a redirect from https to http", true, elsewhere),
		to("a redirect to plain http on its own host", true, func(h *hostile, _ *http.Request) string {
			return strings.Replace(h.URL, "https", "http", 1) + "/keys"
		}),
		to("a redirect to itself", false, func(_ *hostile, r *http.Request) string { return r.URL.Path }),
		to("a redirect to a file", false, func(*hostile, *http.Request) string { return "file:///etc/passwd" }),
		says("keys on plain http of an https provider", true, func(h *hostile) m { return m{"jwks_uri": h.elsewhere.URL + "/keys"} }),
		says("keys on plain http of another machine", false, func(*hostile) m { return m{"jwks_uri": "http://192.0.2.1/keys"} }),
		says("keys in a file", false, func(*hostile) m { return m{"jwks_uri": "file:///etc/passwd"} }),
		says("keys nowhere", false, func(*hostile) m { return m{"jwks_uri": ""} }),
		says("keys at no address", false, func(*hostile) m { return m{"jwks_uri": "://"} }),
		says("keys in a list", false, func(h *hostile) m { return m{"jwks_uri": []string{h.URL + "/keys"}} }),
	}
}

// mixUps take one provider for another.
func mixUps() []attack {
	discovery := func(name string, issuer func(*hostile) any) attack {
		return attack{name: name, token: func(h *hostile) string {
			h.say(m{"issuer": issuer(h)})
			h.publish(h.foreign)
			return h.provider.token(h.foreign, nil, nil)
		}, code: enroll.Unavailable, text: noKeys}
	}
	issued := func(name string, issuer func(*hostile) any) attack {
		return attack{name: name, token: func(h *hostile) string { return h.provider.token(h.rsa, nil, m{"iss": issuer(h)}) }, text: noIssuer}
	}
	return []attack{
		{name: "one provider's token signed by another", token: func(h *hostile) string { return h.provider.token(h.partner, nil, nil) }, text: noKey},
		{name: "one provider's token signed by another, by its key's id", token: func(h *hostile) string { return h.provider.token(h.partner, m{"kid": "rsa"}, nil) }, text: noSignature},
		{name: "another provider's token signed by this one", token: func(h *hostile) string { return h.other.token(h.rsa, nil, nil) }, text: noKey},
		{name: "another provider's token signed by this one, by its key's id", token: func(h *hostile) string { return h.other.token(h.rsa, m{"kid": "partner"}, nil) }, text: noSignature},
		discovery("metadata of another provider", func(h *hostile) any { return h.other.URL }),
		discovery("metadata of nobody", func(*hostile) any { return "" }),
		discovery("metadata with a slash", func(h *hostile) any { return h.URL + "/" }),
		discovery("metadata of several", func(h *hostile) any { return []string{h.URL} }),
		issued("an unknown issuer", func(*hostile) any { return "https://evil.example" }),
		issued("an issuer with a slash", func(h *hostile) any { return h.URL + "/" }),
		issued("an issuer in capitals", func(h *hostile) any { return strings.ToUpper(h.URL) }),
		issued("an issuer with a fragment", func(h *hostile) any { return h.URL + "#" }),
		issued("an issuer with a space", func(h *hostile) any { return " " + h.URL }),
		issued("no issuer", func(*hostile) any { return nil }),
	}
}
