// Package pkcs11 signs with keys in tokens, hardware security modules above all,
// through PKCS#11 2.40 libraries. Keys are named by URIs (RFC 7512):
//
//	pkcs11:token=CA;object=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so
//	pkcs11:serial=0f3c…;id=%0a%10?pin-source=/run/credentials/pin
//
// A [Library] is loaded once, a [Key] opened in it has a bounded pool of sessions.
// A key that fails is closed and opened again by whoever uses it; where nothing of
// the library is in use any more the library is initialised anew, for that is
// what some need after their token was away.
//
// All but the URIs needs cgo and is built with the tag pkcs11 alone.
package pkcs11
