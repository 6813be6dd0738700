package enroll

import (
	"errors"
	"time"
)

// How many requests of one principal, with those of its tokens, may wait at a time. A
// station has a line's devices wait, each with one key.
const (
	maxWaiting           = 100
	maxWaitingEnrolments = 1_000
)

// asksUntil is the document of a request that waits, below whom it counts against.
type asksUntil struct {
	Until time.Time `json:"until"`
}

// countedAt is the key of a request below whom it counts against.
func (a *Approval) countedAt() string {
	if a.Counted == "" {
		return ""
	}
	return granteeKey(a.Counted) + "/" + string(a.ID)
}

// putDecided writes a request that was decided: it counts no more.
func putDecided(tx Tx, asked *Approval) error {
	return errors.Join(putDocument(tx, ApprovalDocument, string(asked.ID), asked), tx.DeleteDocument(ApprovalOfDocument, asked.countedAt()))
}

// mayAskMore refuses one more request where as many as there may be wait. Those that
// have expired count no more, and leave.
func (a *access) mayAskMore(tx Tx, d deed) error {
	most := maxWaiting
	if d.kind() == deedEnrol {
		most = maxWaitingEnrolments
	}
	waiting, page := 0, Page{Limit: MaxPage}
	for {
		found, err := tx.Documents(ApprovalOfDocument, granteeKey(a.responsible())+"/", page)
		if err != nil {
			return err
		}
		for _, document := range found.Items {
			var asks asksUntil
			err := decodeDocument(document, &asks)
			if err == nil && !a.now.Before(asks.Until) {
				err = tx.DeleteDocument(document.Kind, document.Key)
			} else {
				waiting++
			}
			if err != nil {
				return err
			}
		}
		if page.After = found.Next; page.After == "" {
			break
		}
	}
	if waiting >= most {
		return Refuse(Conflict, "%d requests of yours wait already (touchmark approval list --waiting); withdraw some, or have them decided", most)
	}
	return nil
}
