// Package e2e has no code of its own: its tests run the real program against the
// real programs of others, as a person would at a shell. What each proves is
// written in testdata/script, one topic a file; those files are documentation too.
//
// The programs are Touchmark itself, built once, or the one that TOUCHMARK_BIN
// names; curl, openssl, strongSwan's pki, nginx, Mosquitto, GnuTLS and PostgreSQL;
// and the npm package oidc-provider. scripts/setup installs them; one that is
// missing fails the tests.
//
// Scripts run on both keepers, a file of bbolt and a database of PostgreSQL; those
// of testdata/bolt and testdata/postgres are about one of them.
//
// The commands that scripts have besides those of testscript are explained at
// commands, and each file of testdata/bin explains itself.
package e2e
