//go:build !cloudkms

package keys

// addCloud does nothing in a build without drivers for cloud KMS.
func addCloud(map[string]driver) {}
