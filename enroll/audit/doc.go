// Package audit is the Merkle log that the events of an installation form, and
// the proof that an export of it is whole.
//
// Hashes are those of RFC 6962, section 2.1, stored as golang.org/x/mod/sumdb/tlog
// stores them; checkpoints are signed notes in the form of C2SP's
// tlog-checkpoint. The package is pure: it knows no store, no clock and no
// network, so that an auditor can run it on nothing but two files.
//
// An export is JSON Lines, one record a line, oldest first. Each line is the
// record as it was hashed, with the root of the tree that ends with it as last
// member:
//
//	{"index":0,"time":…,"kind":"order.created",…,"root":"base64"}
//
// The roots are what makes it possible to name the first record that was
// tampered with; the checkpoint, kept elsewhere, is what makes it impossible to
// write them anew.
package audit
