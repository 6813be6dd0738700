package archive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll"
)

// Bounds. A frame ends with its 256th item, or before the one that would make it
// longer than a MiB; only a single item is longer.
const (
	frameItems = 256
	frameBytes = 1 << 20
	maxKey     = 64      // octets
	maxValue   = 2 << 20 // bytes of JSON
	maxFrame   = 4 << 20 // bytes, decoded
)

// What stands around key and value on a line.
const (
	keyOpen   = `{"key":"`
	valueOpen = `","value":`
	lineEnd   = "}\n"
)

// checkItem refuses what would not be read back as it is.
func checkItem(item enroll.Item) error {
	switch {
	case len(item.Key) == 0 || len(item.Key) > maxKey:
		return fmt.Errorf("a key has 1 to %d octets, not %d", maxKey, len(item.Key))
	case len(item.Value) > maxValue:
		return fmt.Errorf("the value of %x has more than %d bytes", item.Key, maxValue)
	case bytes.ContainsRune(item.Value, '\n') || !json.Valid(item.Value):
		return fmt.Errorf("the value of %x is not JSON on one line", item.Key)
	}
	return nil
}

// appendLine appends an item as its line.
func appendLine(to []byte, item enroll.Item) []byte {
	to = append(to, keyOpen...)
	to = hex.AppendEncode(to, item.Key)
	to = append(to, valueOpen...)
	to = append(to, item.Value...)
	return append(to, lineEnd...)
}

// parseLine takes a line, without its newline, apart. The value is part of it.
func parseLine(line []byte) (enroll.Item, error) {
	rest, begins := bytes.CutPrefix(line, []byte(keyOpen))
	rest, ends := bytes.CutSuffix(rest, []byte(lineEnd[:1]))
	digits, value, parts := bytes.Cut(rest, []byte(valueOpen))
	if !begins || !ends || !parts || len(digits) > 2*maxKey {
		return enroll.Item{}, errors.New("a line is not of a key and a value")
	}
	key, err := hex.DecodeString(string(digits))
	if err != nil {
		return enroll.Item{}, fmt.Errorf("a key is not hexadecimal: %w", err)
	}
	item := enroll.Item{Key: key, Value: value}
	return item, checkItem(item)
}

// parseFrame returns the items of a decoded frame: at least one, sorted by key.
func parseFrame(text []byte) ([]enroll.Item, error) {
	var items []enroll.Item
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole || len(items) == frameItems {
			return nil, errors.New("it is cut off, or too long")
		}
		item, err := parseLine(line)
		if err != nil {
			return nil, err
		}
		if n := len(items); n > 0 && bytes.Compare(items[n-1].Key, item.Key) >= 0 {
			return nil, fmt.Errorf("the key %x is out of order", item.Key)
		}
		items, text = append(items, item), rest
	}
	if len(items) == 0 {
		return nil, errors.New("it is empty")
	}
	return items, nil
}

func compareKey(item enroll.Item, key []byte) int { return bytes.Compare(item.Key, key) }
