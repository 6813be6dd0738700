// Package parsed holds every kind of artefact that Touchmark gives out to what four
// readers make of it: openssl, GnuTLS, NSS and Bouncy Castle must read the same
// fields, and those that the REST API tells of too. It has tests alone, which run a
// server and those programs; scripts/setup installs them.
package parsed
