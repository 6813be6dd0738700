package identity

import (
	"fmt"
	"strconv"
)

// PEN is an IANA private enterprise number, 1 to 4294967295: who made the
// device, in its URN.
type PEN uint32

// ExamplePEN is reserved for documentation (RFC 5612). A fleet that ships must
// not carry it.
const ExamplePEN PEN = 32473

// Validate refuses zero.
func (p PEN) Validate() error {
	if p == 0 {
		return fmt.Errorf("%w: a private enterprise number is 1 to 4294967295; IANA assigns one to your organisation", ErrName)
	}
	return nil
}

// URN returns the device's name as RFC 9039, section 4.1, writes it for an
// organisation's own products: "urn:dev:ops:<PEN>-<model>-<serial>".
func (p PEN) URN(id DeviceID) string {
	return "urn:dev:ops:" + strconv.FormatUint(uint64(p), 10) + "-" + string(id)
}
