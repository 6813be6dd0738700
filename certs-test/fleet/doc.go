// Package fleet plays the devices and the operators of a running touchmark serve,
// through its real doors, and judges it by what they were told.
//
// Operators (the break-glass administrator, over REST) create orders, draw
// tickets, hold, release and revoke; devices enrol with tickets and renew with
// their certificates (EST). What each was told stands in a Ledger: a certificate
// once its bytes were received, a revocation once it was answered with 200.
// A request that was sent and never answered is in doubt, and is sent again until
// it is answered, as a device does: with the same key and the same CSR.
//
//	Fleet.Work    does all that, from many clients at once, until it is told to stop
//	Fleet.Settle  sends again what is in doubt, until nothing is
//	Fleet.Verify  asks the server about everything in the ledger
//
// Whatever a server does that it must not do is a Fault, with the story of the
// device or the order that it happened to. Servers may be killed at any time
// during Work; Settle and Verify need one that runs.
package fleet
