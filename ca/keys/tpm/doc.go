// Package tpm signs with keys that a TPM 2.0 made and keeps: outside of it there is
// but a file that this one TPM can load, under its storage root key.
//
// The file is the TSS2 PRIVATE KEY in PEM of "ASN.1 Specification for TPM 2.0 Key
// Files" (draft-bottomley-tpm-keys), which OpenSSL's providers for TPMs read too. A
// passphrase is the key's authorisation value; it is proved to the TPM, and not
// sent, except when the key is made, and then encrypted.
//
// Keys are for ECDSA, on P-256 and, where the TPM knows it, P-384.
package tpm
