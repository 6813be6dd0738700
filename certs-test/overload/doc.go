// Package overload has no code of its own: its test asks a real server, held to one
// processor, for more than it can do. Hundreds of clients enrol without a pause, on
// connections that they keep and on new ones, and send again at once what was turned
// away; others connect and send half a request. Meanwhile an operator revokes, relying
// parties ask, devices renew.
//
// Whatever is answered is done, or is 503 with Retry-After. All revocations are done
// and all relying parties told. Nothing that was turned away cost anybody a ticket.
// Memory and goroutines stay within what the connections account for. And when the
// load ends, everything is done at once.
package overload
