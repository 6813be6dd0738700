// Package issuers keeps the issuing CAs in a folder: their keys or where those
// are, the chains that the corporate PKI returned, and which of them issues.
//
//	DIR/issuer-1/key.uri       where its key is: a file beside it, an HSM or a KMS
//	DIR/issuer-1/issuing.key   the key, where it is a file: PKCS#8, encrypted
//	DIR/issuer-1/request.csr   what the corporate PKI was asked
//	DIR/issuer-1/chain.pem     what it returned; missing while that is pending
//	DIR/issuing.name           the name of the one that issues: issuer-1
//	DIR/issuing.crt            its certificate, for whoever looks for it
//	DIR/chain.pem              its chain and the anchor, likewise
//
// An issuer that no longer issues stays until everything that it signed has
// expired: it goes on signing CRLs, and what it issued renews.
package issuers
