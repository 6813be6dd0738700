package enroll

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// logKeysKey is the one key of LogKeysDocument.
const logKeysKey = "keys"

// maxLogKeys bounds how many keys a log has had: one a month for half a century.
const maxLogKeys = 600

// logKeys are the keys that have signed the log's checkpoints, oldest first.
type logKeys struct {
	Keys []logKey `json:"keys"`
}

type logKey struct {
	Verifier string    `json:"verifier"` // NAME+HASH+KEY
	Since    time.Time `json:"since"`
}

// recordLogKey records that the log has another key, where that is so, with the word
// of the key before it if that is here. The first key that a store sees is noted and
// no rotation. A node that still has a key whose place another took changes nothing:
// it has yet to be told.
func (s *Service) recordLogKey(ctx context.Context, tx Tx, next *live) error {
	current := next.logKeys[0].Verifier()
	known, err := readDocument[logKeys](tx, LogKeysDocument, logKeysKey)
	if ifAny(err) != nil {
		return err
	}
	at := slices.IndexFunc(known.Keys, func(k logKey) bool { return k.Verifier == current })
	if at >= 0 {
		if at < len(known.Keys)-1 {
			s.log.Warn("the log's key on this node is one whose place another took: name the new one in log.key, as on the other nodes", "verifier", current)
		}
		return nil
	}
	if len(known.Keys) >= maxLogKeys {
		return fmt.Errorf("the log has had %d keys, which is all that it may have", maxLogKeys)
	}
	if len(known.Keys) > 0 {
		event := s.event(ctx, identity.NewSystem(), LogKeyRotated)
		event.Before, event.Verifier = known.Keys[len(known.Keys)-1].Verifier, current
		if event.Endorsement, err = endorse(next.logKeys[1:], event.Before, current); err != nil {
			return err
		}
		if event.Endorsement == "" {
			s.log.Warn("the log has another key, and the key before it is not among log.former_keys to say so: give the new public key to whoever checks the log, by hand", "verifier", current)
		}
		if err := tx.Append(event); err != nil {
			return err
		}
	}
	known.Keys = append(known.Keys, logKey{Verifier: current, Since: s.now()})
	return putDocument(tx, LogKeysDocument, logKeysKey, known)
}

// endorse has the key before sign that another takes its place; nothing where it is
// not among those at hand.
func endorse(at []*audit.Key, before, next string) (string, error) {
	for _, key := range at {
		if key.Verifier() == before {
			return audit.SignRotation(key, next)
		}
	}
	return "", nil
}
