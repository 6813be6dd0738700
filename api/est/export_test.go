package est

// For fuzzing: what reads and writes foreign bytes.
var (
	TransferEncode = transferEncode
	TransferDecode = transferDecode
)
