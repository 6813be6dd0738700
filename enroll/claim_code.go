package enroll

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// claimPrefix begins every claim code that was drawn, so that one is recognised where
// it should not be.
const claimPrefix = "tmcl_"

// Bounds of claims.
const (
	// ClaimCodeLifetime is how long a code from the line can be used by default.
	ClaimCodeLifetime = 7 * 24 * time.Hour
	// MinClaimCodeLifetime and MaxClaimCodeLifetime bound what may be asked for.
	MinClaimCodeLifetime = time.Minute
	MaxClaimCodeLifetime = 90 * 24 * time.Hour
	// ClaimLifetime is how long a person has for confirming a claim that a device
	// started.
	ClaimLifetime = 10 * time.Minute
	// ClaimInterval is how often a device may ask what became of its claim (RFC 8628,
	// section 3.2, "interval").
	ClaimInterval = 5 * time.Second
	// claimAgain is how often a device may start a claim anew.
	claimAgain = time.Minute
)

// userCodeLetters are the letters of codes that people type: no vowels, so that they
// spell nothing, and nothing that looks like something else (RFC 8628, section 6.1).
const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"

// userCodeLength is how many of them a code has: some 34 bits.
const userCodeLength = 8

// newUserCode makes a code that people can read and type, such as "WDJB-MJHT".
func (s *Service) newUserCode() (string, error) {
	code := make([]byte, 0, userCodeLength+1)
	const fair = 256 - 256%len(userCodeLetters) // octets from here on favour some letters
	var octet [1]byte
	for len(code) < userCodeLength+1 {
		if len(code) == userCodeLength/2 {
			code = append(code, '-')
		}
		if _, err := io.ReadFull(s.rand, octet[:]); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		if int(octet[0]) < fair {
			code = append(code, userCodeLetters[int(octet[0])%len(userCodeLetters)])
		}
	}
	return string(code), nil
}

// maxClaimCode bounds a code as it is shown, in bytes.
const maxClaimCode = 64

// claimHash returns what is kept of a code, in whichever case, and with whatever
// hyphens and spaces, people type it.
func claimHash(code string) string {
	text := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	hash := sha256.Sum256([]byte("claim " + text))
	return hex.EncodeToString(hash[:])
}

// ClaimState says what became of a claim that a device started.
type ClaimState string

// The states of a claim.
const (
	ClaimWaiting   ClaimState = "waiting"
	ClaimConfirmed ClaimState = "confirmed"
	ClaimRefused   ClaimState = "denied"
	ClaimExpired   ClaimState = "expired" // or void, because the device's owner changed otherwise
)

// claimWay says who made a code.
type claimWay string

const (
	claimDrawn   claimWay = "code"   // drawn for whoever unpacks the device
	claimStarted claimWay = "device" // asked for by the device over its own certificate
)

// claimSecret is a code that is kept as its hash.
type claimSecret struct {
	Hash  string    `json:"hash,omitempty"` // empty once it cannot be used
	Made  time.Time `json:"made"`
	Until time.Time `json:"until"`
	// By is who drew it, by pseudonymous id, or for a scoped token its maker.
	By    string     `json:"by,omitempty"`
	ID    string     `json:"id,omitempty"` // of a claim that a device started
	State ClaimState `json:"state,omitempty"`
}

// stateAt returns the claim's state, which time may have changed.
func (c *claimSecret) stateAt(now time.Time) ClaimState {
	if c.State == ClaimWaiting && !now.Before(c.Until) {
		return ClaimExpired
	}
	return c.State
}

// claims are the codes by which a device can be claimed (ClaimOfDocument): at most
// one of each way.
type claims struct {
	Drawn   *claimSecret `json:"drawn,omitempty"`
	Started *claimSecret `json:"started,omitempty"`
}

// claimPointer finds a code's device (ClaimDocument).
type claimPointer struct {
	Device identity.DeviceID `json:"device"`
	Way    claimWay          `json:"way"`
}

func readClaims(r Reader, device identity.DeviceID) (claims, error) {
	c, err := readDocument[claims](r, ClaimOfDocument, string(device))
	return c, ifAny(err)
}

// putClaims writes a device's codes, as changed from was: codes that stand there no
// more open nothing.
func putClaims(tx Tx, device identity.DeviceID, was, now claims) error {
	for _, of := range []struct {
		way      claimWay
		was, now *claimSecret
	}{{claimDrawn, was.Drawn, now.Drawn}, {claimStarted, was.Started, now.Started}} {
		before, after := hashOf(of.was), hashOf(of.now)
		if before == after {
			continue
		}
		if before != "" {
			if err := tx.DeleteDocument(ClaimDocument, before); err != nil {
				return err
			}
		}
		if after != "" {
			if err := putDocument(tx, ClaimDocument, after, claimPointer{device, of.way}); err != nil {
				return err
			}
		}
	}
	if (now == claims{}) {
		return tx.DeleteDocument(ClaimOfDocument, string(device))
	}
	return putDocument(tx, ClaimOfDocument, string(device), now)
}

func hashOf(c *claimSecret) string {
	if c == nil {
		return ""
	}
	return c.Hash
}

// spent returns a claim that a device started, as it ended.
func (c *claimSecret) spent(state ClaimState) *claimSecret {
	ended := *c
	ended.Hash, ended.State = "", state
	return &ended
}

// voidClaims has every code by which a device could be claimed open nothing.
func voidClaims(tx Tx, device identity.DeviceID) error {
	was, err := readClaims(tx, device)
	if err != nil || was == (claims{}) {
		return err
	}
	var now claims
	if now.Started = was.Started; now.Started != nil && now.Started.State == ClaimWaiting {
		now.Started = now.Started.spent(ClaimExpired)
	}
	return putClaims(tx, device, was, now)
}
