package main

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
)

// journal is a file of records that are appended with shared fsyncs: while one
// batch is being synced, the next one gathers. It may be used concurrently.
type journal struct {
	file *os.File
	kick chan struct{} // holds one token while the gathering batch is not empty
	done chan struct{} // closed when the writer has ended

	mu     sync.Mutex // guards gathering and closed
	closed bool
	// gathering is the batch that the next write takes.
	gathering *batch
}

// batch is what one write and one fsync make durable.
type batch struct {
	data   []byte
	synced chan struct{} // closed when err is final
	err    error
}

var errClosed = errors.New("the journal is closed")

// openJournal opens or makes the file at path and starts its writer, which Close
// ends.
func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, kick: make(chan struct{}, 1), done: make(chan struct{}), gathering: newBatch()}
	go j.write()
	return j, nil
}

func newBatch() *batch { return &batch{synced: make(chan struct{})} }

// Append returns when record, at most 4 GiB, is durable.
func (j *journal) Append(record []byte) error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return errClosed
	}
	b := j.gathering
	if len(b.data) == 0 {
		j.kick <- struct{}{}
	}
	b.data = binary.BigEndian.AppendUint32(b.data, uint32(len(record))) //nolint:gosec // bounded by the caller
	b.data = append(b.data, record...)
	j.mu.Unlock()
	<-b.synced
	return b.err
}

// write makes one batch after the other durable.
func (j *journal) write() {
	defer close(j.done)
	for range j.kick {
		j.mu.Lock()
		b := j.gathering
		j.gathering = newBatch()
		j.mu.Unlock()
		_, err := j.file.Write(b.data)
		if err == nil {
			err = j.file.Sync()
		}
		b.err = err
		close(b.synced)
	}
}

// Close makes durable what was appended and closes the file.
func (j *journal) Close() error {
	j.mu.Lock()
	j.closed = true
	close(j.kick)
	j.mu.Unlock()
	<-j.done
	return j.file.Close()
}
