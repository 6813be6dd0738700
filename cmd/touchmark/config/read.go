package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"
)

// MaxSize bounds a configuration file, in octets.
const MaxSize = 1 << 20

// Read reads the file at path.
func Read(path string) (File, error) {
	content, err := readContent(path)
	if err != nil {
		return File{}, err
	}
	parsed, err := Parse(content)
	if err != nil {
		return File{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return parsed, nil
}

func readContent(path string) ([]byte, error) {
	file, err := os.Open(path) // #nosec G304 -- named by whoever runs the command
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return content, nil
}

// Parse reads a file's content. Keys that do not exist are reported all at once,
// as Faults.
func Parse(content []byte) (File, error) {
	if len(content) > MaxSize {
		return File{}, fmt.Errorf("more than %d octets", MaxSize)
	}
	var written any
	if err := yaml.Unmarshal(content, &written); err != nil {
		return File{}, errors.New(yaml.FormatError(err, false, true))
	}
	if faults := unknownKeys(written); len(faults) > 0 {
		return File{}, faults
	}
	var file File
	decoder := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict())
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return File{}, errors.New(yaml.FormatError(err, false, true))
	}
	return file, nil
}
