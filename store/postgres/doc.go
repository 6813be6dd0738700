// Package postgres keeps what must not be lost in PostgreSQL 15 or newer, for any
// number of nodes at once: a second implementation of enroll.Store, for where one
// machine is too small.
//
// The Updates of a node gather into batches, each of them one transaction of the
// database; its Views share snapshots. docs/adr/0006-postgres-keeper.md tells how
// nodes stay out of each other's way, and why that is serializable.
package postgres
