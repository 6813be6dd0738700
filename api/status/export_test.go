package status

// For fuzzing: what reads foreign bytes.
var (
	DecodePath = decodePath
	ThisUpdate = thisUpdate
	ParseCRLs  = parseCRLs
)
