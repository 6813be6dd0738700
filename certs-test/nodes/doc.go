// Package nodes has no code of its own: its tests run three servers of touchmark on
// one PostgreSQL with a synchronous standby, let many clients work, and in the
// middle of it kill servers, pause them past their leases, cut them off from the
// database, restart and kill the database, and promote its standby.
//
// After each of that, everything that was acknowledged is there on every node
// (certs-test/fleet keeps the ledger), what was revoked is so in the OCSP of all,
// and the log is one unforked sequence that proves every checkpoint that was taken
// meanwhile.
//
// make nodes goes through it several times, with pauses so long that the others
// take a node for gone. It needs PostgreSQL's programs, and builds toxiproxy, which
// the nodes' connections go through, from the module in the folder toxiproxy.
package nodes
