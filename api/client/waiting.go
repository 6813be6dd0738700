package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// Waiting is the error of a call that was neither done nor refused: by the policy of
// the fleet it waits for a second person. Calling again asks anew, unless it is an
// enrolment.
type Waiting struct {
	Approval resource.Approval
	// RetryAfter is when it may be worth looking at the request; 0 where the server
	// does not say.
	RetryAfter time.Duration
}

// Error says that it waits, and for what.
func (w *Waiting) Error() string {
	return fmt.Sprintf("%s: waits for a second person, request %s, until %s", w.Approval.What, w.Approval.ID, w.Approval.ExpiresAt.Format(time.RFC3339))
}

// waiting reads what waits, of an answer with 202.
func waiting(response *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxProblem+1))
	if err != nil {
		return fmt.Errorf("%w: the answer broke off: %w", ErrUnreachable, err)
	}
	w := &Waiting{RetryAfter: retryAfter(response)}
	if err := json.Unmarshal(text, &w.Approval); err != nil || w.Approval.ID == "" {
		return errors.New("the server says that it waits, and not for what: its answer is not what this version expects")
	}
	return w
}
