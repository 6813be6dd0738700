// Package oidc turns what the organisation's OpenID Connect providers say into
// principals: it verifies bearer tokens for the server, and signs people in for
// the command line.
//
// A provider is asked only when a token of its comes in: one that is down keeps
// nobody from starting, and its keys go on being used through an outage.
package oidc
