package enroll

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// askedFor is the document of what is asked for: whoever asks for the same again is
// told of the request that waits already.
type askedFor struct {
	ID ApprovalID `json:"id"`
}

// waitKey is the key under which what a maker asks for stands. An enrolment is the
// same whoever brings it.
func waitKey(d deed, maker string) (string, error) {
	same := d
	switch d := d.(type) {
	case *createGrant:
		same = &createGrant{NewGrant: d.NewGrant, At: d.At, Lineage: d.Lineage}
	case *startJob:
		same = &startJob{User: d.User, NewJob: d.NewJob}
	case *admitEnrolment:
		maker = ""
	default:
	}
	data, err := json.Marshal(same)
	if err != nil {
		return "", fmt.Errorf("a deed that waits: %w", err)
	}
	hash := sha256.Sum256(append([]byte(string(d.kind())+"\x00"+maker+"\x00"), data...))
	return hex.EncodeToString(hash[:]), nil
}

// readAsked returns the latest request under a key, or ErrNotFound.
func readAsked(r Reader, key string) (Approval, error) {
	last, err := readDocument[askedFor](r, ApprovalForDocument, key)
	if err != nil {
		return Approval{}, err
	}
	return readDocument[Approval](r, ApprovalDocument, string(last.ID))
}

// asksAlready returns the request by which the same waits already, nil for none.
func asksAlready(r Reader, a *access, d deed) (*Approval, error) {
	key, err := waitKey(d, a.who.ID())
	if err != nil {
		return nil, err
	}
	asked, err := readAsked(r, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil || asked.StateAt(a.now) != RequestWaiting:
		return nil, err
	default:
		return &asked, nil
	}
}

// approvalRetention is how long a request is kept after it was made; the log keeps
// what came of it. It is over the longest that one can wait.
const approvalRetention = 60 * 24 * time.Hour

// forgetApprovals deletes the oldest requests, once they were made long ago. Each new
// one makes room for more than itself.
func forgetApprovals(tx Tx, now time.Time) error {
	oldest, err := tx.Documents(ApprovalDocument, "", Page{Limit: 10})
	if err != nil {
		return err
	}
	for _, document := range oldest.Items {
		var old Approval
		if err := decodeDocument(document, &old); err != nil {
			return err
		}
		if now.Sub(old.CreatedAt) <= approvalRetention {
			return nil // they sort by age
		}
		if err := forgetApproval(tx, &old); err != nil {
			return err
		}
	}
	return nil
}

func forgetApproval(tx Tx, old *Approval) error {
	err := errors.Join(tx.DeleteDocument(ApprovalDocument, string(old.ID)), tx.DeleteDocument(ApprovalOfDocument, old.countedAt()))
	if err != nil {
		return err
	}
	d := newDeed(old.Kind)
	if d == nil || json.Unmarshal(old.Deed, d) != nil {
		return nil
	}
	key, err := waitKey(d, old.Maker)
	if err != nil {
		return err
	}
	keys := []string{key}
	if enrolment, ok := d.(*admitEnrolment); ok {
		keys = append(keys, enrolment.ofDevice())
	}
	for _, key := range keys {
		last, err := readDocument[askedFor](tx, ApprovalForDocument, key)
		if err == nil && last.ID == old.ID {
			err = tx.DeleteDocument(ApprovalForDocument, key)
		}
		if ifAny(err) != nil {
			return err
		}
	}
	return nil
}
