package bolt

// VerifyForm is Verify for files whose certificates and CRLs are not real.
func VerifyForm(path string) error { return verifyFile(path, (*verifier).form) }
