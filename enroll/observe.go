package enroll

import (
	"context"
	"errors"
	"time"
)

// Step names a step of the path for those who watch it.
type Step string

// The steps that are timed.
const (
	StepProve  Step = "prove" // the first four: what the store says before signing
	StepSign   Step = "sign"
	StepRecord Step = "record"
	StepIssue  Step = "issue" // the whole path
)

// Counter names something that is counted.
type Counter string

// What is counted.
const (
	CountIssued           Counter = "certificates_issued"
	CountRecalled         Counter = "certificates_recalled"
	CountDiscarded        Counter = "signatures_discarded" // signed, and lost the race to be recorded
	CountWithdrawn        Counter = "certificates_withdrawn"
	CountCRLs             Counter = "crls_published"
	CountCRLFailures      Counter = "crl_failures"
	CountUnauthenticated  Counter = "unauthenticated_refusals"
	CountIssuerNearingEnd Counter = "issuer_nearing_end"
	// What left the store for the archive, and attempts that failed.
	CountArchivedCertificates Counter = "certificates_archived"
	CountArchivedRecords      Counter = "records_archived"
	CountArchiveFailures      Counter = "archive_failures"
)

// Counters lists what is counted.
func Counters() []Counter {
	return []Counter{
		CountIssued, CountRecalled, CountDiscarded, CountWithdrawn, CountCRLs, CountCRLFailures, CountUnauthenticated,
		CountIssuerNearingEnd, CountArchivedCertificates, CountArchivedRecords, CountArchiveFailures,
	}
}

// Observer watches the path, for metrics. Its methods are called concurrently,
// must not block, and cannot fail anything.
type Observer interface {
	// Step reports that a step took so long; code is empty when it succeeded, "waiting"
	// where somebody has to approve, and "canceled" where the caller went away.
	Step(step Step, took time.Duration, code Code)
	// Count reports that something happened n times.
	Count(counter Counter, n int)
}

type nobody struct{}

func (nobody) Step(Step, time.Duration, Code) {}
func (nobody) Count(Counter, int)             {}

// watch times a step; call what it returns with the step's error.
func (s *Service) watch(step Step) func(error) {
	start := time.Now()
	return func(err error) {
		var code Code
		var waiting *Waiting
		var refusal *Refusal
		switch {
		case errors.As(err, &waiting):
			code = "waiting"
		case errors.Is(err, context.Canceled) && !errors.As(err, &refusal):
			code = "canceled"
		case err != nil:
			code = AsRefusal(err).Code
		}
		s.observer.Step(step, time.Since(start), code)
	}
}
