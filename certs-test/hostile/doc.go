// Package hostile has no code of its own: its test runs one server of touchmark with
// the data of two tenants, and sends it what attackers send, over every listener and
// protocol. Each request of the table has its exact answer.
//
// Of every answer the test holds that it is no 5xx, came within its limit, and tells
// nothing of the machine, the program or the other tenant; of all of them together,
// that the store is as it was, but for the records of refusals that the design speaks
// of, that the log has no panic and no character that moves a terminal's cursor, and
// that the server is ready and has as many goroutines as before.
//
// make hostile runs it. CONTRIBUTING.md says how to add a row.
package hostile
