package bolt

// VerifyForm is Verify for files whose certificates and CRLs are not real.
func VerifyForm(path string) error { return verifyFile(path, (*verifier).form) }

// AtStep has fn called with each step of a compaction that is reached.
func AtStep(s *Store, fn func(step string)) { s.reached = func(at step) { fn(string(at)) } }

// CopySteps lists the steps of a compaction.
func CopySteps() []string {
	return []string{string(stepBegun), string(stepCopied), string(stepCaught), string(stepSynced), string(stepRenamed), string(stepDone)}
}

// SmallCopies makes compaction take many rounds: it copies so many octets at a
// time, and gives up where more than longest were committed meanwhile.
func SmallCopies(s *Store, part, longest int64) {
	s.bounds = copyBounds{part: part, journal: part, longest: longest, tail: 1 << 10}
}
