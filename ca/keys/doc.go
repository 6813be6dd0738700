// Package keys makes and opens signing keys by URI, through smallstep's KMS
// (go.step.sm/crypto/kms).
//
//	/etc/touchmark/issuing.key           an encrypted PKCS#8 file
//	softkms:path=/etc/touchmark/issuing.key   the same
//	pkcs11:token=…;object=…?pin-source=…      when the driver is built in
//
// A path, or the scheme softkms, means a key file: PKCS#8 encrypted with AES-256
// and PBKDF2 under a passphrase, of one of the kinds of [Algorithms] when it is made
// here. The other schemes of
// smallstep's KMS (pkcs11, tpmkms, yubikey, awskms, azurekms, cloudkms) work when
// their driver is built in: a file of this package that imports it for its
// registration. A scheme without a driver gets an error that lists those there
// are.
//
// A [Passphrase] says where the secret is, a file, an environment variable or a
// systemd credential; it is read when a key is made or opened, not kept, and
// never printed.
package keys
