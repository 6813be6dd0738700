package enroll_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// attempt is one step of a walk: what somebody tries, and what is to come of it.
type attempt struct {
	who   identity.Principal
	words string
	deed  modelDeed // of what may have to wait
	want  verdict
	waits bool
	call  func(context.Context) error
	done  func(*model)
	// doers are those by whose power it is done: who tries it, and for what was asked
	// for by another whoever asked.
	doers []identity.Principal
	// comesToOwn says that it is a way in which people come to own a device that
	// somebody else gives them.
	comesToOwn bool
}

func (w *walk) attempt(p identity.Principal, words string, args ...any) *attempt {
	return &attempt{who: p, words: fmt.Sprintf(words, args...), doers: []identity.Principal{p}}
}

// refuse says what it is to be refused with, if nothing refuses it before.
func (a *attempt) refuse(code enroll.Code) {
	if code != "" {
		a.want, a.waits = refused(code), false
	}
}

func (a *attempt) outcome() string {
	switch {
	case a.want.code != "":
		return string(a.want.code)
	case a.waits:
		return "waits"
	default:
		return "done"
	}
}

// deed is an attempt of what may have to wait. Who does not hold needs anywhere is
// refused at once, unless it is empty.
func (w *walk) deed(p identity.Principal, needs identity.Permission, d modelDeed, words string, args ...any) *attempt {
	a := w.attempt(p, words, args...)
	a.deed = d
	a.want = d.weigh(w.model, p)
	a.waits = w.model.mustWait(p, a.want)
	if needs != "" && !w.model.needs(p, needs) {
		a.refuse(enroll.Forbidden)
	}
	a.done = func(m *model) { m.carryOut(p, d, a.want) }
	return a
}

func (a *attempt) by(call func(context.Context) error) *attempt {
	a.call = call
	return a
}

// identified is a deed whose outcome the service gives an id.
type identified interface{ named(id string) }

// making is by for such a deed.
func (a *attempt) making(call func(context.Context) (string, error)) *attempt {
	return a.by(func(ctx context.Context) error {
		id, err := call(ctx)
		if it, ok := a.deed.(identified); ok && err == nil {
			it.named(id)
		}
		return err
	})
}

// make makes an attempt, and returns in which way it ended otherwise than it had to.
func (w *walk) make(a *attempt) error {
	err := a.call(context.WithoutCancel(w.tb.Context()))
	var refusal *enroll.Refusal
	var waiting *enroll.Waiting
	switch {
	case errors.As(err, &waiting):
		if !a.waits {
			return fmt.Errorf("it waits, and is to end as %q", a.want.code)
		}
		if it, ok := a.deed.(identified); ok {
			var kept struct{ ID string }
			if err := json.Unmarshal(waiting.Approval.Deed, &kept); err != nil {
				return err
			}
			it.named(kept.ID)
		}
		w.model.ask(a.who, a, &waiting.Approval)
	case errors.As(err, &refusal):
		if refusal.Code != a.want.code {
			return fmt.Errorf("it is refused with %w, and is to end as %q (waits: %v)", err, a.want.code, a.waits)
		}
	case err != nil:
		return err
	case a.want.code != "" || a.waits:
		return fmt.Errorf("it is done, and is to end as %q (waits: %v)", a.want.code, a.waits)
	default:
		a.done(w.model)
	}
	return nil
}
