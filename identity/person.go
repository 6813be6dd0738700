package identity

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// personPrefix begins the pseudonymous ids of people: 32 lower-case hexadecimal
// digits follow.
const personPrefix = "person:"

// PersonURN returns a pseudonymous id as a URN that stands in certificates:
// "urn:uuid:" and a UUID of version 8 (RFC 9562, section 5.8) made of the id's 128
// bits, of which 122 are left. It wraps ErrName for what is not a person's.
func PersonURN(pseudonym string) (string, error) {
	digits, isPerson := strings.CutPrefix(pseudonym, personPrefix)
	octets, err := hex.DecodeString(digits)
	if !isPerson || err != nil || len(octets) != 16 {
		return "", fmt.Errorf("%w: a person's pseudonymous id is %s and 32 hexadecimal digits", ErrName, personPrefix)
	}
	octets[6] = octets[6]&0x0f | 0x80 // the version
	octets[8] = octets[8]&0x3f | 0x80 // the variant
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", octets[:4], octets[4:6], octets[6:8], octets[8:10], octets[10:]), nil
}
