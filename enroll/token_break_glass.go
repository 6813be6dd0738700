package enroll

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/touchmark/touchmark/identity"
)

// A scoped token that the break-glass administrator made is worth no more than the
// break-glass token by which it was made: whoever rotates that, because it was seen,
// ends what was made by it.

// breakGlassMark is what is noted of the break-glass token of now.
func breakGlassMark(r Reader) (string, error) {
	i, err := r.Installation()
	mark := sha256.Sum256(append([]byte("scoped tokens of "), i.BreakGlass...))
	return hex.EncodeToString(mark[:8]), err
}

// mark notes by which break-glass token a token is made or rotated.
func (t *Token) mark(r Reader, by identity.Principal) (err error) {
	if by.Kind == identity.BreakGlass && t.Maker == by.ID() {
		t.BreakGlass, err = breakGlassMark(r)
	}
	return err
}

// outlived reports whether the break-glass token by which a token was made was rotated.
func (t *Token) outlived(r Reader) (bool, error) {
	if t.Maker != identity.NewBreakGlass().ID() {
		return false, nil
	}
	if t.BreakGlass == "" {
		i, err := r.Installation()
		return t.CreatedAt.Before(i.BreakGlassSet), err
	}
	mark, err := breakGlassMark(r)
	return t.BreakGlass != mark, err
}
