// Package ocsp answers OCSP requests (RFC 6960, and RFC 5019 for high volumes)
// in DER. It knows nothing of HTTP and of storage: a [Responder] is given the
// issuers, a lookup of a serial number's status, and a way to have its own
// certificate signed.
//
// # What is answered
//
//   - malformed requests, nonces over 128 octets (RFC 9654): malformedRequest;
//   - certIDs of an issuer, or with a hash, that is not ours, and requests that
//     mix issuers: unauthorized (RFC 6960, section 2.3; RFC 5019, section
//     2.2.3), for nobody here may speak for that issuer;
//   - serial numbers that were never issued, or by another issuer: unknown,
//     never good;
//   - an expired certificate: what it was, good or revoked;
//   - the status cannot be had now: tryLater.
//
// # Who signs
//
// Never the issuer's key. For each issuer the Responder makes a P-256 key and
// obtains a short-lived certificate for it (OCSPSigning, id-pkix-ocsp-nocheck,
// RFC 6960, section 4.2.2.2), when first asked, and again when two thirds of
// its life have passed, while the old one still serves.
//
// # What is kept
//
// An answer to one certID without a nonce is signed once and kept, by the
// certID as the client wrote it, in a cache bounded by octets. Past half of its
// validity it is signed anew by the first who asks, while others get the old
// one. [Responder.Drop] forgets answers at once: an answer that is being made
// from the status of before is made again, so that nobody who asks after Drop
// has returned sees the old status.
package ocsp
