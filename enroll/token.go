package enroll

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// TokenID names a scoped token: 16 characters of 0 to 9 and a to v, which sort by
// age.
type TokenID string

// Token is a scoped token, for a line or an integration that has no sign-in of its
// own. It may do what it was made for, as far as its maker may that at the time.
type Token struct {
	ID   TokenID `json:"id"`
	Name string  `json:"name"` // what it is for, for people to read
	// Maker is the id of who made it and answers for it, and MakerName what people
	// called them then.
	Maker       string                `json:"maker"`
	MakerName   string                `json:"maker_name,omitempty"`
	Permissions []identity.Permission `json:"permissions"` // in the order of identity.Permissions
	Fleet       identity.FleetID      `json:"fleet"`       // the branch
	Until       time.Time             `json:"until"`
	// BreakGlass marks the break-glass token by which it was made or rotated last; it
	// ends with that. Empty for other makers, and of tokens from before it was noted.
	BreakGlass string `json:"break_glass,omitempty"`
	// Secrets are what opens it: the text told last, and after a rotation the one
	// before until its overlap ends.
	Secrets   []TokenSecret `json:"secrets"`
	CreatedAt time.Time     `json:"created_at"`
}

// TokenSecret is what is kept of a token's text: its SHA-256.
type TokenSecret struct {
	Hash  []byte    `json:"hash"`
	Until time.Time `json:"until,omitzero"` // zero for as long as the token lasts
}

// shown compares the hash of a text that was shown with what opens the token: whether
// it was ever told for it, as far as is known, and whether it opens the token now.
func (t *Token) shown(hash [sha256.Size]byte, now time.Time) (told, opens bool) {
	for _, secret := range t.Secrets {
		same := subtle.ConstantTimeCompare(secret.Hash, hash[:]) == 1
		told = told || same
		opens = opens || same && (secret.Until.IsZero() || now.Before(secret.Until)) && now.Before(t.Until)
	}
	return told, opens
}

// The text of a token is tokenPrefix, its id, its secret and a checksum of all
// these: CRC-32 (IEEE), in text32. By the prefix and the checksum a scanner knows
// one that was left lying about, and one that was cut or mistyped is told so, and
// not taken for a guess.
const (
	tokenPrefix         = "tmst_"
	tokenIDLength       = 16 // of 10 octets: 6 of time in Unix milliseconds, 4 random
	tokenSecretLength   = 26 // of 16 random octets
	tokenChecksumLength = 7  // of 4 octets
	tokenSumAt          = len(tokenPrefix) + tokenIDLength + tokenSecretLength
	tokenLength         = tokenSumAt + tokenChecksumLength
)

// IsScopedToken reports whether a bearer token claims to be a scoped token: what
// does not is the identity provider's, or the break-glass token.
func IsScopedToken(token string) bool { return strings.HasPrefix(token, tokenPrefix) }

// TokenIDOf returns the id in the text of a scoped token, and whether the text is
// one as it was told: whole, and with the right checksum. Whether there is such a
// token is another matter.
func TokenIDOf(text string) (TokenID, bool) {
	if len(text) != tokenLength || !IsScopedToken(text) {
		return "", false
	}
	id, secret := text[len(tokenPrefix):][:tokenIDLength], text[tokenSumAt-tokenSecretLength:tokenSumAt]
	if !isText32(id) || !isText32(secret) || text[tokenSumAt:] != tokenChecksum(text[:tokenSumAt]) {
		return "", false
	}
	return TokenID(id), true
}

// isText32 reports whether all of s are digits of text32.
func isText32(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'v') })
}

func tokenChecksum(text string) string {
	return text32.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

// newTokenText makes a text that opens the token with an id, and what is kept of it.
func (s *Service) newTokenText(id TokenID) (string, TokenSecret, error) {
	secret, err := s.randomText(16)
	if err != nil {
		return "", TokenSecret{}, err
	}
	text := tokenPrefix + string(id) + secret
	text += tokenChecksum(text)
	hash := sha256.Sum256([]byte(text))
	return text, TokenSecret{Hash: hash[:]}, nil
}

// tokenBelow returns the key of a token below a fleet or its maker.
func tokenBelow(above string, id TokenID) string { return above + "/" + string(id) }

// putToken writes a token under its id, its maker and its fleet.
func putToken(tx Tx, t Token) error {
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("token %s: %w", t.ID, err)
	}
	return errors.Join(
		tx.PutDocument(TokenDocument, string(t.ID), data),
		tx.PutDocument(TokenOfDocument, tokenBelow(granteeKey(t.Maker), t.ID), data),
		tx.PutDocument(TokenAtDocument, tokenBelow(string(t.Fleet), t.ID), data),
		putEnd(tx, t.Until, endOfToken, string(t.ID)),
	)
}

// deleteToken leaves nothing of a token.
func deleteToken(tx Tx, t Token) error {
	return errors.Join(
		tx.DeleteDocument(TokenDocument, string(t.ID)),
		tx.DeleteDocument(TokenOfDocument, tokenBelow(granteeKey(t.Maker), t.ID)),
		tx.DeleteDocument(TokenAtDocument, tokenBelow(string(t.Fleet), t.ID)),
		tx.DeleteDocument(TokenUseDocument, string(t.ID)),
		tx.DeleteDocument(EndDocument, endKey(t.Until, endOfToken, string(t.ID))),
	)
}

func readToken(r Reader, id TokenID) (Token, error) {
	return readDocument[Token](r, TokenDocument, string(id))
}
