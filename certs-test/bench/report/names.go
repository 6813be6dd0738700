package report

// The contenders, as the tables call them.
const (
	Touchmark         = "Touchmark on bolt"
	TouchmarkPostgres = "Touchmark on PostgreSQL"
	Floor             = "floor"
	StepBBolt         = "step-ca on bbolt"
	StepBadger        = "step-ca on badger"
	StepPostgres      = "step-ca on PostgreSQL"
	// Another build of Touchmark, where the benchmark is told of one.
	OtherTouchmark         = "other Touchmark on bolt"
	OtherTouchmarkPostgres = "other Touchmark on PostgreSQL"
)

// The scenarios, as the tables call them.
const (
	EnrolKept  = "Enrolment, kept alive"
	EnrolFresh = "Enrolment, fresh connections"
	RenewFresh = "Renewal by mTLS, fresh connections"
	OCSPHot    = "OCSP, hot"
	OCSPCold   = "OCSP, cold"
)
