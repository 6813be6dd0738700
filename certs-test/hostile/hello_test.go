package hostile_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"

	"golang.org/x/crypto/cryptobyte"
)

// hello is a ClientHello (RFC 8446, section 4.1.2) with room for what is wrong.
type hello struct {
	record, version uint16
	suites          []uint16
	compression     []byte
	extensions      map[uint16][]byte
	padding         int // octets of an extension of zeros
}

// goodHello is one that is answered.
func goodHello() hello {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	share := append([]byte{0, 36, 0, 0x1d, 0, 32}, key.PublicKey().Bytes()...)
	return hello{
		record: 0x0301, version: 0x0303, suites: []uint16{0x1301}, compression: []byte{0},
		extensions: map[uint16][]byte{
			10: {0, 2, 0, 0x1d},             // supported_groups: X25519
			13: {0, 4, 0x04, 0x03, 8, 0x04}, // signature_algorithms
			43: {2, 3, 4},                   // supported_versions: TLS 1.3
			51: share,                       // key_share
		},
	}
}

// with changes a hello.
func (h hello) with(change func(*hello)) []byte {
	change(&h)
	return h.bytes()
}

// bytes is the record, or records, with the message.
func (h hello) bytes() []byte {
	message := h.message()
	var records []byte
	for len(message) > 0 {
		n := min(len(message), 16<<10)
		records = append(records, 22, byte(h.record>>8), byte(h.record), byte(n>>8), byte(n))
		records = append(records, message[:n]...)
		message = message[n:]
	}
	return records
}

func (h hello) message() []byte {
	var b cryptobyte.Builder
	b.AddUint8(1)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(h.version)
		b.AddBytes(bytes.Repeat([]byte{7}, 32))
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, 32)) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, suite := range h.suites {
				b.AddUint16(suite)
			}
		})
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(h.compression) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, id := range []uint16{0, 10, 13, 16, 41, 42, 43, 51} {
				if value, found := h.extensions[id]; found {
					extension(b, id, value)
				}
			}
			if h.padding > 0 {
				extension(b, 21, make([]byte, h.padding))
			}
		})
	})
	return b.BytesOrPanic()
}

func extension(b *cryptobyte.Builder, id uint16, value []byte) {
	b.AddUint16(id)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(value) })
}
