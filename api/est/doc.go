// Package est is the door for devices that speak Enrollment over Secure
// Transport: RFC 7030, with the clarifications of RFC 8951 and the CSR
// attributes of RFC 9908.
//
// These operations are offered below /.well-known/est, with an order's id as
// label (/.well-known/est/{order}/…), or below a prefix for clients that take
// nothing else (/{order}/.well-known/est/…):
//
//	GET  cacerts          the issuers and the anchor
//	GET  csrattrs         the key that a device of that fleet had best make
//	POST simpleenroll     with a ticket: HTTP Basic, the device's serial number and the ticket
//	POST simplereenroll   with the certificate to renew, presented in TLS
//	POST serverkeygen     where it is switched on: a key besides, with a ticket or a certificate
//
// A certificate proves one device, so it renews and never enrols another: where
// simpleenroll comes with both a ticket and a certificate the ticket decides, and
// simplereenroll looks at nothing but the certificate.
//
// # Manners
//
// Answers are base64 in one line with one newline (RFC 8951, section 3.1), always
// have a Content-Length and are never chunked. A 401 has an empty body and spells
// its header WWW-Authenticate: some clients compare it letter by letter.
// strongSwan reads an answer's header in one piece of 1,024 octets, and body and
// header best arrive in one TLS record; the listener sees to that.
package est
