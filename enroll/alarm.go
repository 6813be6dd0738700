package enroll

import "context"

// Alarm names something that an operator has to do something about. The set is closed;
// docs/operations/watching.md says of each what to do.
type Alarm string

// Every alarm.
const (
	// AlarmClock is for a machine's clock that is not believed (ClockFault).
	AlarmClock Alarm = "clock"
	// AlarmDiskSpace is for a disk on which there is little room left, and AlarmDiskFull
	// for one on which there is so little that enrolments are refused.
	AlarmDiskSpace Alarm = "disk_space"
	AlarmDiskFull  Alarm = "disk_full"
	// AlarmIssuerEnding is for an issuing CA that nears its end (NearingEnd).
	AlarmIssuerEnding Alarm = "issuer_ending"
	// AlarmCRLAge is for a CRL that is past three quarters of its life.
	AlarmCRLAge Alarm = "crl_age"
	// AlarmSequencerLag is for events that have waited long to be numbered.
	AlarmSequencerLag Alarm = "sequencer_lag"
	// AlarmListenerCertificate and AlarmResponderCertificate are for certificates of
	// Touchmark's own that could not be renewed in time.
	AlarmListenerCertificate  Alarm = "listener_certificate"
	AlarmResponderCertificate Alarm = "responder_certificate"
)

// Alarms lists every alarm.
func Alarms() []Alarm {
	return []Alarm{
		AlarmClock, AlarmDiskSpace, AlarmDiskFull, AlarmIssuerEnding, AlarmCRLAge, AlarmSequencerLag,
		AlarmListenerCertificate, AlarmResponderCertificate,
	}
}

// shared reports whether all nodes find the same, so that one need say it.
func (a Alarm) shared() bool {
	return a == AlarmIssuerEnding || a == AlarmCRLAge || a == AlarmSequencerLag
}

// Stop says what an alarm keeps the service from doing. Revocation is never stopped.
type Stop int32

// What alarms stop; each stops what those before it do.
const (
	StopNothing Stop = iota
	// StopEnrolment refuses devices that have no certificate; others renew.
	StopEnrolment
	// StopIssuing refuses renewals as well.
	StopIssuing
)

// Finding is what a look found of one alarm.
type Finding struct {
	Alarm  Alarm
	Raised bool
	// Detail says what is wrong, with figures, and what to do; empty where nothing is.
	Detail string
	Stops  Stop
}

// Look finds out about some alarms. It is called every AlarmsEvery, one at a time, and
// must end soon after ctx does. Where it fails its alarms stay as they are.
type Look func(ctx context.Context) ([]Finding, error)
