package enroll

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Lists that are read past what their reader may know of stop wherever a part is full:
// the store's cursor would name what stands there. So their cursors are sealed, and
// a part is filled as far as one call may look, or the number of parts would tell how
// much there is of others'.

// partsLooked bounds how many parts of the store one part of such a list is made of.
const partsLooked = 100

// filled reads parts of a list, whose cursors are sealed as belonging to it, until as
// many items are found as are asked for.
func filled[T any](p *people, list string, page Page, read func(Page) (List[T], error)) (found List[T], err error) {
	after, err := p.openCursor(list, page.After)
	if err != nil {
		return found, err
	}
	left := pageLimit(page)
	for range partsLooked {
		part, err := read(Page{After: after, Limit: left})
		if err != nil {
			return List[T]{}, err
		}
		found.Items = append(found.Items, part.Items...)
		after = part.Next
		if left -= len(part.Items); left <= 0 || after == "" {
			break
		}
	}
	found.Next, err = p.sealCursor(list, after)
	return found, err
}

// cursorSeal returns what cursors are sealed with at every node, and what makes their
// nonces: a cursor is sealed in one way, so that whoever asks again is answered alike.
func (p *people) cursorSeal() (seal cipher.AEAD, nonces []byte, err error) {
	key, err := hkdf.Key(sha256.New, p.key, nil, "touchmark cursors", 64)
	if err != nil {
		return nil, nil, fmt.Errorf("the key of cursors: %w", err)
	}
	block, err := aes.NewCipher(key[:32])
	if err == nil {
		seal, err = cipher.NewGCM(block)
	}
	return seal, key[32:], err
}

// sealCursor hides a cursor of a list from whoever is given it; none stays none.
func (p *people) sealCursor(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	seal, nonces, err := p.cursorSeal()
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, nonces)
	mac.Write([]byte(list + "\x00" + cursor))
	nonce := mac.Sum(nil)[:seal.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(seal.Seal(nonce, nonce, []byte(cursor), []byte(list))), nil
}

// openCursor returns what was sealed for a list, or ErrCursor.
func (p *people) openCursor(list, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	seal, _, err := p.cursorSeal()
	if err != nil {
		return "", err
	}
	text, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(text) < seal.NonceSize() {
		return "", ErrCursor
	}
	cursor, err := seal.Open(nil, text[:seal.NonceSize()], text[seal.NonceSize():], []byte(list))
	if err != nil {
		return "", ErrCursor
	}
	return string(cursor), nil
}
