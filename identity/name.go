package identity

import (
	"errors"
	"fmt"
	"strings"
)

// ErrName is wrapped by every refusal of a malformed model, serial number,
// device id, fleet path or private enterprise number.
var ErrName = errors.New("malformed name")

// Lengths, in bytes, that names are bounded by before anything else looks at
// them.
const (
	MaxModel        = 32
	MaxSerialNumber = 64
)

// Model is a product's model: 1 to 32 of A-Z a-z 0-9 and the dot, case-sensitive.
// It holds no hyphen, so that a device id splits in one way only.
type Model string

// SerialNumber is a device's serial number as its maker prints it: 1 to 64 of
// A-Z a-z 0-9, dot and hyphen, case-sensitive. It is not the serial number of a
// certificate.
type SerialNumber string

// ParseModel checks s and returns it as a Model, or an error that wraps ErrName.
func ParseModel(s string) (Model, error) {
	if !within(s, MaxModel, isModelByte) {
		return "", fmt.Errorf("%w: a model is 1 to %d of A-Z, a-z, 0-9 and '.'", ErrName, MaxModel)
	}
	return Model(s), nil
}

// ParseSerialNumber checks s and returns it as a SerialNumber, or an error that
// wraps ErrName.
func ParseSerialNumber(s string) (SerialNumber, error) {
	if !within(s, MaxSerialNumber, isSerialByte) {
		return "", fmt.Errorf("%w: a serial number is 1 to %d of A-Z, a-z, 0-9, '.' and '-'", ErrName, MaxSerialNumber)
	}
	return SerialNumber(s), nil
}

// DeviceID names a device in this installation: "<model>-<serial number>".
type DeviceID string

// NewDeviceID joins a model and a serial number, both already checked.
func NewDeviceID(m Model, n SerialNumber) DeviceID {
	return DeviceID(string(m) + "-" + string(n))
}

// ParseDeviceID checks s and returns it as a DeviceID, or an error that wraps
// ErrName.
func ParseDeviceID(s string) (DeviceID, error) {
	m, n, found := strings.Cut(s, "-")
	if !found || !within(m, MaxModel, isModelByte) || !within(n, MaxSerialNumber, isSerialByte) {
		return "", fmt.Errorf("%w: a device id is a model, a hyphen and a serial number, such as TH20-SN1", ErrName)
	}
	return DeviceID(s), nil
}

// Model returns the part before the first hyphen.
func (id DeviceID) Model() Model {
	m, _, _ := strings.Cut(string(id), "-")
	return Model(m)
}

// SerialNumber returns the part after the first hyphen.
func (id DeviceID) SerialNumber() SerialNumber {
	_, n, _ := strings.Cut(string(id), "-")
	return SerialNumber(n)
}

func within(s string, most int, ok func(byte) bool) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isModelByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.'
}

func isSerialByte(c byte) bool { return isModelByte(c) || c == '-' }
