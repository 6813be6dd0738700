package ca

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// ErrBadSerial means that a certificate serial number is not one that this
// package could have made. Such a certificate was never issued here.
var ErrBadSerial = errors.New("not a Touchmark certificate serial number")

const (
	serialLead   = 0x40    // keeps the INTEGER positive and always 20 octets long
	maxSerialMS  = 1 << 48 // six octets of milliseconds reach the year 10889
	serialRandom = 7       // offset of the thirteen random octets
)

// Serial is a certificate serial number (RFC 5280, section 4.1.2.2): one octet
// 0x40, six octets of the certificate's notAfter in Unix milliseconds,
// big-endian, and thirteen random octets. Serial numbers are positive, of one
// length, unpredictable (104 bits) and sort by expiry. The zero value is not a
// valid serial number.
type Serial [20]byte

// NewSerial makes the serial number of a certificate that expires at notAfter
// (1970 to 10889, cut to milliseconds) with 104 bits from rand.
func NewSerial(rand io.Reader, notAfter time.Time) (Serial, error) {
	ms := notAfter.UnixMilli()
	if ms < 0 || ms >= maxSerialMS {
		return Serial{}, fmt.Errorf("serial number: notAfter %s is outside 1970 to 10889", notAfter.UTC().Format(time.RFC3339))
	}
	s := FirstSerialAt(notAfter)
	if _, err := io.ReadFull(rand, s[serialRandom:]); err != nil {
		return Serial{}, fmt.Errorf("serial number: reading randomness: %w", err)
	}
	return s, nil
}

// FirstSerialAt returns the lowest serial number of a certificate that expires
// at t (cut to milliseconds): every certificate that expires at t or later has
// a serial number that is not lower. Times outside 1970 to 10889 are moved to
// the nearest end. It is for range scans and never stands in a certificate.
func FirstSerialAt(t time.Time) Serial {
	ms := min(max(t.UnixMilli(), 0), maxSerialMS-1)
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(ms))
	s := Serial{serialLead}
	copy(s[1:], b[2:])
	return s
}

// ParseSerial reads 40 hexadecimal digits. Upper case is accepted, and so are
// colons between all octets, as other programs print them. The error wraps
// [ErrBadSerial].
func ParseSerial(text string) (Serial, error) {
	digits := text
	if len(text) == 59 {
		for i := 2; i < len(text); i += 3 {
			if text[i] != ':' {
				return Serial{}, badSerialText(text)
			}
		}
		digits = strings.ReplaceAll(text, ":", "")
	}
	if len(digits) != 40 {
		return Serial{}, badSerialText(text)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return Serial{}, badSerialText(text)
	}
	return SerialFromBytes(raw)
}

func badSerialText(text string) error {
	if len(text) > 64 {
		text = text[:64] + "…"
	}
	return fmt.Errorf("%w: %q; write it as 40 hexadecimal digits, with or without colons", ErrBadSerial, text)
}

// SerialFromBytes reads the 20 octets of a serial number, which is also the
// content of its DER INTEGER. The error wraps [ErrBadSerial].
func SerialFromBytes(raw []byte) (Serial, error) {
	if len(raw) != len(Serial{}) || raw[0] != serialLead {
		return Serial{}, fmt.Errorf("%w: want 20 octets beginning with 0x40, have %d", ErrBadSerial, len(raw))
	}
	return Serial(raw), nil
}

// SerialFromInt reads a serial number as crypto/x509 shows it. The error wraps
// [ErrBadSerial].
func SerialFromInt(n *big.Int) (Serial, error) {
	if n == nil || n.Sign() <= 0 || n.BitLen() > 159 {
		return Serial{}, fmt.Errorf("%w: not a positive number of 20 octets", ErrBadSerial)
	}
	return SerialFromBytes(n.Bytes())
}

// String writes the serial number as 40 lower-case hexadecimal digits.
func (s Serial) String() string { return hex.EncodeToString(s[:]) }

// Int returns the serial number as crypto/x509 takes it.
func (s Serial) Int() *big.Int { return new(big.Int).SetBytes(s[:]) }

// NotAfter returns the end of the certificate's validity, in UTC.
func (s Serial) NotAfter() time.Time {
	var b [8]byte
	copy(b[2:], s[1:serialRandom])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:]))).UTC()
}

// IsZero reports whether s is the zero value, which is no serial number.
func (s Serial) IsZero() bool { return s == Serial{} }

// Compare orders serial numbers by expiry, then by their random part: -1, 0, +1.
func (s Serial) Compare(other Serial) int { return bytes.Compare(s[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler] in the form of [Serial.String].
func (s Serial) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; it accepts what
// [ParseSerial] accepts.
func (s *Serial) UnmarshalText(text []byte) error {
	parsed, err := ParseSerial(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
