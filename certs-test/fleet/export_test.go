package fleet

// OnlyCertificate is onlyCertificate, for its fuzz target.
func OnlyCertificate(der []byte) ([]byte, error) { return onlyCertificate(der) }
