package enroll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/touchmark/touchmark/identity"
)

const (
	// AlarmsEvery is how often it is looked whether something is wrong.
	AlarmsEvery = 10 * time.Second
	// alarmPause is how long no event tells of an alarm after one did, so that what
	// flutters does not fill the log.
	alarmPause = time.Minute
	// alarmPatience bounds one look, and the writing of an event.
	alarmPatience = 5 * time.Second
)

// alarms are the alarms as they were last found.
type alarms struct {
	stops atomic.Int32 // the most of what they stop

	mu     sync.Mutex // guards states
	states map[Alarm]AlarmState

	told map[Alarm]alarmTold // belongs to the one who looks
}

// AlarmState is how an alarm stands.
type AlarmState struct {
	Finding
	// Since is when it last changed, by the service's own time; zero for never.
	Since time.Time
}

// alarmTold is what the log says of an alarm.
type alarmTold struct {
	raised bool
	at     time.Time // steady, of the last attempt
}

func newAlarms() *alarms {
	a := &alarms{states: map[Alarm]AlarmState{}, told: map[Alarm]alarmTold{}}
	for _, alarm := range Alarms() {
		a.states[alarm] = AlarmState{Finding: Finding{Alarm: alarm}}
	}
	return a
}

// Alarms returns how each alarm stands, in the order of Alarms. After a start none is
// raised until it was looked for.
func (s *Service) Alarms() []AlarmState {
	s.alarms.mu.Lock()
	defer s.alarms.mu.Unlock()
	list := make([]AlarmState, 0, len(s.alarms.states))
	for _, alarm := range Alarms() {
		list = append(list, s.alarms.states[alarm])
	}
	return list
}

// found notes a finding and reports whether the alarm changed.
func (a *alarms) found(f Finding, now time.Time) (changed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.states[f.Alarm]
	is := AlarmState{Finding: f, Since: was.Since}
	if changed = was.Raised != f.Raised; changed {
		is.Since = now
	}
	a.states[f.Alarm] = is
	most := StopNothing
	for _, state := range a.states {
		most = max(most, state.Stops)
	}
	a.stops.Store(int32(most))
	return changed
}

// mayIssue refuses to issue by a clock that is not believed, or onto a disk that is
// full. Recalling what was issued is another thing.
func (s *Service) mayIssue(request *opened) error {
	if err := s.trustClock(); err != nil {
		return err
	}
	_, renews := request.Evidence.(CertificateEvidence)
	if stops := Stop(s.alarms.stops.Load()); stops == StopIssuing || stops == StopEnrolment && !renews {
		return &Refusal{
			Code: Unavailable, RetryAfter: retryClock,
			Message: "the service has too little room on its disk to issue this; its operator finds in the log which one",
		}
	}
	return nil
}

// watchAlarms looks for what is wrong until ctx is done.
func (s *Service) watchAlarms(ctx context.Context) error {
	looks := slices.Concat([]Look{s.lookAtClock, s.lookAtIssuer, s.lookAtCRLs, s.lookAtSequencer}, s.looks)
	failing := make([]bool, len(looks))
	ticker := time.NewTicker(AlarmsEvery)
	defer ticker.Stop()
	for {
		for i, look := range looks {
			err := s.lookOnce(ctx, look)
			if err != nil && !failing[i] && ctx.Err() == nil {
				s.log.WarnContext(ctx, "it could not be found out whether an alarm is due; trying again", "error", err)
			}
			failing[i] = err != nil
		}
		s.tellAlarms(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// lookOnce notes and logs what one look finds.
func (s *Service) lookOnce(ctx context.Context, look Look) error {
	bounded, cancel := context.WithTimeout(ctx, alarmPatience)
	defer cancel()
	findings, err := look(bounded)
	for _, f := range findings {
		if !s.alarms.found(f, s.now()) {
			continue
		}
		if f.Raised {
			s.log.WarnContext(ctx, "alarm raised", "alarm", string(f.Alarm), "detail", f.Detail)
		} else {
			s.log.InfoContext(ctx, "alarm cleared", "alarm", string(f.Alarm))
		}
	}
	return err
}

// tellAlarms records the alarms of which the log does not say how they stand. What
// cannot be recorded is tried again.
func (s *Service) tellAlarms(ctx context.Context) {
	for _, state := range s.Alarms() {
		told, now := s.alarms.told[state.Alarm], s.clock.steady()
		if told.raised == state.Raised || !told.at.IsZero() && now.Sub(told.at) < alarmPause {
			continue
		}
		told.at = now
		if err := s.tellAlarm(ctx, state); err == nil {
			told.raised = state.Raised
		} else if ctx.Err() == nil {
			s.log.ErrorContext(ctx, "an alarm could not be recorded; trying again", "alarm", string(state.Alarm), "error", err)
		}
		s.alarms.told[state.Alarm] = told
	}
}

// tellAlarm records how an alarm stands, where no other node does.
func (s *Service) tellAlarm(ctx context.Context, state AlarmState) error {
	ctx, cancel := context.WithTimeout(ctx, alarmPatience)
	defer cancel()
	var token uint64
	if state.Alarm.shared() {
		var err error
		if token, err = s.store.Lead(ctx, TaskPublish); err != nil || token == 0 {
			return err
		}
	}
	kind := AlarmCleared
	if state.Raised {
		kind = AlarmRaised
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		if token != 0 {
			if err := tx.Leading(TaskPublish, token); err != nil {
				return err
			}
		}
		event := s.event(ctx, identity.NewSystem(), kind)
		event.About, event.Comment = string(state.Alarm), state.Detail
		if !state.Alarm.shared() {
			event.Target = s.node
		}
		return tx.Append(event)
	})
	if errors.Is(err, ErrNotLeading) {
		return nil // whoever leads now tells it
	}
	return err
}
