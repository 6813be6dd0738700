package enroll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// recordHead is as much of a record as filters go by.
type recordHead struct {
	Time    time.Time          `json:"time"`
	Kind    EventKind          `json:"kind"`
	Actor   string             `json:"actor"`
	Fleet   identity.FleetPath `json:"fleet"`
	FleetID identity.FleetID   `json:"fleet_id"`
	Device  identity.DeviceID  `json:"device"`
}

func headOf(record Record) (recordHead, error) {
	var head recordHead
	if err := json.Unmarshal(record.Data, &head); err != nil {
		return head, fmt.Errorf("record %d: %w", record.Index, err)
	}
	return head, nil
}

// selectRecords returns which of the records are asked for and may be read by p, and
// whether those after them are too late.
func (s *Service) selectRecords(ctx context.Context, p identity.Principal, f *auditFilter, records []Record) (picked []bool, late bool, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		picked, late = make([]bool, len(records)), false
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		whole, err := a.everywhere(r, identity.AuditRead)
		if err != nil {
			return err
		}
		for i, record := range records {
			head, err := headOf(record)
			if err != nil {
				return err
			}
			late = late || f.tooLate(&head)
			if !f.asks(&head) {
				continue
			}
			if picked[i], err = f.tells(r, a, &head, whole); err != nil {
				return err
			}
		}
		return nil
	})
	return picked, late, err
}

// asks reports whether a record is asked for, but for where it happened.
func (f *auditFilter) asks(head *recordHead) bool {
	return (f.device == "" || head.Device == f.device) &&
		(f.actor == "" || head.Actor == f.actor) &&
		!head.Time.Before(f.from) && (f.to.IsZero() || head.Time.Before(f.to)) &&
		(len(f.kinds) == 0 || slices.ContainsFunc(f.kinds, func(kind string) bool {
			return string(head.Kind) == kind || strings.HasSuffix(kind, ".") && strings.HasPrefix(string(head.Kind), kind)
		}))
}

// tells reports whether a record is of the branch that is asked for, and of one that
// the principal may read; whole is whether it may read all.
func (f *auditFilter) tells(r Reader, a *access, head *recordHead, whole bool) (bool, error) {
	if whole && (f.fleet == "" || f.fleetID == identity.RootFleetID) {
		return true, nil
	}
	if head.FleetID == "" {
		// From before records had it: what the fleet is called decides for those who may
		// read all, and who else might read it is not known.
		return whole && head.Fleet != "" && head.Fleet.Within(f.fleet), nil
	}
	at, err := a.moment.past(r, head.FleetID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return (f.fleet == "" || at.within(f.fleetID)) && a.may(identity.AuditRead, at), nil
}
