// Package keys makes and opens signing keys by URI.
//
//	/etc/touchmark/issuing.key           an encrypted PKCS#8 file
//	softkms:path=/etc/touchmark/issuing.key   the same
//	tpm:device=/dev/tpmrm0;file=/etc/touchmark/issuing.tpm
//	pkcs11:token=…;object=…?pin-source=…      when the driver is built in
//	awskms:key-id=…, azurekms:…, cloudkms:…   likewise
//
// A path, or the scheme softkms, means a key file: PKCS#8 encrypted with AES-256
// and PBKDF2 under a passphrase, of one of the kinds of [Algorithms] when it is made
// here. The scheme tpm means a key that a TPM made, in every build. PKCS#11 needs cgo,
// and the cloud KMSs of AWS, Azure and Google, which smallstep's KMS
// (go.step.sm/crypto/kms) brings, need their SDKs: they are built in by the tags
// pkcs11 and cloudkms. A scheme without a driver gets an error that lists those
// there are.
//
// A key outside this process is used through a [Remote], which bounds what it can
// hold up and finds it again when it was away.
//
// A [Passphrase] says where the secret is, a file, an environment variable or a
// systemd credential; it is read when a key is made or opened, not kept, and
// never printed.
package keys
