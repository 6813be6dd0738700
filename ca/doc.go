// Package ca is what is signed: certificates, CRLs and the request that anchors
// an issuer to a corporate root. It knows nothing of HTTP, of storage or of who
// may have what; it turns decisions into DER and checks that the DER says what
// was decided.
//
// The order of work is fixed by the types:
//
//	CSR bytes      --ParseCertificateRequest-->  CertificateRequest  (bounded, strong key, proof of possession)
//	ProfileConfig  --NewProfile-->               Profile             (validated)
//	IssuerConfig   --NewIssuer-->                Issuer              (key and chain belong together)
//	Profile, key, Subject  --Issuer.Prepare-->   Prepared            (everything is decided)
//	Prepared       --Issuer.Sign-->              Signed              (signed once, checked by a second hand)
//
// Nothing but the public key is taken from a certificate request, and nothing
// that was not prepared can be signed.
//
// # Certificate serial numbers and CRL shards
//
// A [Serial] carries its certificate's notAfter, so serial numbers sort by
// expiry. A [ShardID] names the CRL that speaks for a certificate; it follows
// from the serial number, the profile's lifetime and the number of splits, and
// stands in the certificate's CRL distribution point.
//
// # Addresses
//
// With a public URL U, an issuer I and a shard S, certificates name
// U/crl/I/S.crl (CRL), U/ocsp (OCSP) and U/issuer/I.cer (issuer certificate).
//
// # Standards
//
// RFC 5280 (certificates and CRLs), RFC 2986 (PKCS#10), RFC 6960 (OCSP
// responder certificates), RFC 7093 (key identifiers), RFC 9608 (noRevAvail).
//
// # Speed
//
// Certificates and CRLs are put together from parts that were encoded before:
// crypto/x509, which works by reflection, encodes the same octets in several times
// the time. Nothing is taken on trust for it: the tests hold the encoder to
// crypto/x509, and [Issuer.Sign] has crypto/x509 read every certificate before
// anybody else does.
package ca
