package admit

// Class says how much something matters when not everything can be done. The order
// is that in which classes get places.
type Class uint8

// Every class there is.
const (
	// Withdraw is what takes trust away or gives it back: hold, release, revoke and
	// retire, jobs over a person's devices, the approval that lets one go ahead, and the
	// revocation of tokens and grants.
	Withdraw Class = iota
	// ConnectAPI is a TLS handshake at the api listener, where withdrawals come in.
	ConnectAPI
	// Status is what relying parties ask: OCSP, CRLs, issuers' certificates.
	Status
	// Renew is a device's renewal.
	Renew
	// Read is everything that people and programs do besides: lists, orders, tickets,
	// grants, and what EST clients read first.
	Read
	// Enrol is a device's enrolment, by itself or by a station.
	Enrol
	// Connect is a TLS handshake at the device listener. It comes last, so that what
	// was begun is finished first, and has a share that no other class can take.
	Connect
	// Bulk is what lasts as long as its client reads, whoever that is: bundles of CRLs. It
	// has a few places of its own. Backups are of class Read: who takes one is known.
	Bulk
	// Health is health and metrics, which are always answered.
	Health
	classes = iota
)

// Classes lists every class, in their order.
func Classes() []Class {
	all := make([]Class, classes)
	for i := range all {
		all[i] = Class(i)
	}
	return all
}

// String returns the class's name, as it stands in metrics.
func (c Class) String() string {
	return [classes]string{"withdraw", "connect_api", "status", "renew", "read", "enrol", "connect", "bulk", "health"}[c]
}

// share is what a class may have of the places, in hundredths.
type share struct {
	own   int // that it may fill by itself
	level int // of all that are filled, up to which it may begin
}

// shares returns each class's. What they guarantee: whatever others do, a class can
// fill level less the shares of those that may fill the same, and where that is
// nothing, those before it are relying parties or withdraw.
//
//   - Above 80 nothing enrols and no device connects: a fifth of the places is left to
//     the rest.
//   - Enrolments fill 60, and device handshakes 40: neither shuts out the other.
//   - Withdrawals fill 75: who has no token can send those too, and is answered 401.
func shares() [classes]share {
	return [classes]share{
		Withdraw:   {own: 75, level: 100},
		ConnectAPI: {own: 25, level: 95},
		Status:     {own: 50, level: 95},
		Renew:      {own: 50, level: 90},
		Read:       {own: 40, level: 85},
		Enrol:      {own: 60, level: 80},
		Connect:    {own: 40, level: 80},
	}
}

// bulkPlaces is how many of class Bulk there are at once.
const bulkPlaces = 16

// apart says whether a class's places are not among those that all share.
func (c Class) apart() bool { return c == Bulk || c == Health }

// first says whether a class is one of those that everything is given up for.
func (c Class) first() bool { return c == Withdraw || c == Status }
