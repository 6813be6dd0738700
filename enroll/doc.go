// Package enroll is the one path that every identity takes, whatever protocol
// asked for it: authorise, prove, recall, decide, sign, record, release. It also
// holds what the path relies on (orders, tickets, devices) and what follows from
// it (events, the log, revocation).
//
// The order of the steps is the promise. What is certain to be refused is
// refused before a key is used; what was signed is judged again, inside the one
// transaction that records it, on what the store says then; and nothing leaves
// the process before that transaction is durable.
//
// The package declares the Store that it needs and knows nothing of HTTP.
package enroll
