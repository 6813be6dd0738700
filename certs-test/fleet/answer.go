package fleet

import (
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/enroll"
)

// errOpen is wrapped where nobody can say whether a request was carried out: no
// answer came, or one that promises nothing. It is sent again.
var errOpen = errors.New("not settled")

// refusal is a definite no: the request was not carried out.
type refusal struct {
	code enroll.Code
	text string
}

func (r *refusal) Error() string { return r.text }

// codeOf is the code of a refusal in err's chain, or "".
func codeOf(err error) enroll.Code {
	var no *refusal
	if errors.As(err, &no) {
		return no.code
	}
	return ""
}

// answered sorts an error of the REST client into the two kinds.
func answered(err error) error {
	if err == nil {
		return nil
	}
	code := client.CodeOf(err)
	if code == "" || errors.Is(err, client.ErrUnreachable) { // or there was no time left
		return fmt.Errorf("%w: %w", errOpen, err)
	}
	return sorted(code, err.Error())
}

// sorted is the error of an answer with a code.
func sorted(code enroll.Code, text string) error {
	switch code {
	case enroll.Unavailable, enroll.RateLimited, enroll.Internal:
		return fmt.Errorf("%w: %w", errOpen, &refusal{code, text})
	default:
		return &refusal{code, text}
	}
}
