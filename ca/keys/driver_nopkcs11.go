//go:build !pkcs11

package keys

// addPKCS11 does nothing in a build without drivers for PKCS#11.
func addPKCS11(map[string]driver, Config) {}
