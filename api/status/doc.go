// Package status is the public door: plain HTTP, read only, for whoever has to
// know whether a certificate still stands. What it serves is signed, so it needs
// no TLS, and asking for a certificate's status over TLS would go in circles.
//
//	GET  /crl/{issuer}/{shard}.crl   a CRL shard, DER (RFC 5280, section 5)
//	GET  /crl/{issuer}/bundle.pem    every live shard and the configured parent CRLs
//	POST /ocsp                       OCSP (RFC 6960, appendix A.1; RFC 5019)
//	GET  /ocsp/{base64}
//	GET  /issuer/{id}.cer            an issuer's certificate, DER
//	GET  /healthz                    200 while the process lives
//	GET  /readyz                     200 while it can do its work
//
// Caches may keep what they get for MaxAge at most, however long it is signed
// for: a revocation has to be seen everywhere soon.
package status
