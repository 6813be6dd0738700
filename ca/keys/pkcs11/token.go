//go:build pkcs11

package pkcs11

import (
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"
)

// find opens a key by its URI.
func (l *Library) find(u URI, pin string, sessions int) (*Key, error) {
	l.calls.RLock()
	defer l.calls.RUnlock()
	first, slot, err := l.logIn(u, pin)
	if err != nil {
		return nil, err
	}
	private, public, err := l.lookUp(first, u)
	if err != nil {
		_ = l.ctx.CloseSession(first)
		return nil, err
	}
	l.count(1)
	return &Key{
		library: l, private: private, public: public,
		pool: newPool(first, sessions, func() (pkcs11.SessionHandle, error) { return l.session(slot) }, l.ctx.CloseSession),
	}, nil
}

// logIn opens the first session of a token and logs in, which counts for all of
// this process (PKCS#11, section 5.6).
func (l *Library) logIn(u URI, pin string) (session pkcs11.SessionHandle, slot uint, err error) {
	if slot, err = l.slot(u); err != nil {
		return 0, 0, err
	}
	if session, err = l.session(slot); err != nil {
		return 0, 0, err
	}
	if pin == "" {
		return session, slot, nil
	}
	err = l.ctx.Login(session, pkcs11.CKU_USER, pin)
	if err == nil || is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		return session, slot, nil
	}
	_ = l.ctx.CloseSession(session)
	if is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_USER_PIN_NOT_INITIALIZED) {
		return 0, 0, fmt.Errorf("%w: %w", ErrPIN, err)
	}
	return 0, 0, fmt.Errorf("logging in: %w", err)
}

// session opens one, for reading and writing: making keys needs it, and a token
// does not take both kinds under one login everywhere.
func (l *Library) session(slot uint) (pkcs11.SessionHandle, error) {
	session, err := l.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	switch {
	case is(err, pkcs11.CKR_SESSION_COUNT):
		return 0, fmt.Errorf("%w: %w", ErrBusy, err)
	case err != nil:
		return 0, fmt.Errorf("opening a session: %w", err)
	}
	return session, nil
}

// slot finds the one slot that holds the token. To ask without a buffer, as
// GetSlotList does, has the library look again (PKCS#11, section 5.5).
func (l *Library) slot(u URI) (uint, error) {
	slots, err := l.ctx.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("listing the slots: %w", err)
	}
	var found []uint
	for _, slot := range slots {
		if u.HasSlot && slot != u.SlotID {
			continue
		}
		info, err := l.ctx.GetTokenInfo(slot)
		if err != nil {
			continue // another's token, or one that went; ours is missed below
		}
		if fits(u.Token, info.Label) && fits(u.Serial, info.SerialNumber) && fits(u.Manufacturer, info.ManufacturerID) && fits(u.Model, info.Model) {
			found = append(found, slot)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("none of the %d tokens that are there is the one of the URI", len(slots))
	case 1:
		return found[0], nil
	default:
		return 0, fmt.Errorf("%w: it fits %d tokens; add serial=", ErrURI, len(found))
	}
}

// fits compares an attribute with what a token says, which is padded.
func fits(want, have string) bool { return want == "" || want == strings.TrimRight(have, " \x00") }

// lookUp finds the one private key with its public key.
func (l *Library) lookUp(session pkcs11.SessionHandle, u URI) (private pkcs11.ObjectHandle, public publicKey, err error) {
	found, err := l.objects(session, pkcs11.CKO_PRIVATE_KEY, u)
	if err != nil {
		return 0, nil, err
	}
	switch len(found) {
	case 0:
		return 0, nil, ErrNotFound
	case 1:
	default:
		return 0, nil, fmt.Errorf("%w: the token has several keys of this name; add id=", ErrURI)
	}
	public, err = l.readPublic(session, found[0], u)
	return found[0], public, err
}

// objects returns up to two objects of a class that have the URI's label and id.
func (l *Library) objects(session pkcs11.SessionHandle, class uint, u URI) ([]pkcs11.ObjectHandle, error) {
	template := append(named(u), pkcs11.NewAttribute(pkcs11.CKA_CLASS, class))
	if err := l.ctx.FindObjectsInit(session, template); err != nil {
		return nil, fmt.Errorf("looking for the key: %w", err)
	}
	var all []pkcs11.ObjectHandle
	for len(all) < 2 {
		some, _, err := l.ctx.FindObjects(session, 2)
		if err != nil {
			_ = l.ctx.FindObjectsFinal(session)
			return nil, fmt.Errorf("looking for the key: %w", err)
		}
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
	}
	if err := l.ctx.FindObjectsFinal(session); err != nil {
		return nil, fmt.Errorf("looking for the key: %w", err)
	}
	return all, nil
}

func named(u URI) []*pkcs11.Attribute {
	var template []*pkcs11.Attribute
	if u.Object != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, u.Object))
	}
	if len(u.ID) > 0 {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, u.ID))
	}
	return template
}
