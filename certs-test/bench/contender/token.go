package contender

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// tokenMaker is a JWK provisioner's private side: it signs the one-time tokens
// that step-ca takes for /1.0/sign, JWS compact serialisation with ES256
// (RFC 7515, RFC 7518).
type tokenMaker struct {
	key      *ecdsa.PrivateKey
	audience string
}

const (
	provisionerName = "bench"
	keyID           = "bench"
)

func newTokenMaker(audience string) (*tokenMaker, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &tokenMaker{key: key, audience: audience}, err
}

// provisioner is what ca.json says of it.
func (m *tokenMaker) provisioner() map[string]any {
	point, _ := m.key.PublicKey.Bytes() // 4, x, y: it errs for foreign curves alone
	return map[string]any{"type": "JWK", "name": provisionerName, "key": map[string]string{
		"use": "sig", "kty": "EC", "kid": keyID, "crv": "P-256", "alg": "ES256", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}
}

// token returns a token for one certificate with the given name, good for an hour.
func (m *tokenMaker) token(name string, now time.Time) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": keyID, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": provisionerName, "aud": m.audience, "sub": name, "sans": []string{name}, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := encode(header) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, m.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
