// Package lab writes a ready lab into a folder: a configuration, keys, a
// break-glass token, and either a corporate root of its own or the trust in one
// that exists.
//
//	touchmark.yaml           the configuration
//	admin.token              the break-glass administrator's bearer token, 0600
//	log.key, log.vkey        what signs the audit log's checkpoints, 0600, and what verifies them
//	data/                    the store
//	pki/passphrase           of the issuing key, 0600
//	pki/corporate-root.crt, .key, .crl
//	pki/issuing.crt, pki/chain.pem, pki/issuer-1/…   as package issuers has them
//
// With a root that exists there is no root key, and no issuing CA until its
// corporate PKI has answered.
package lab
