package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/touchmark/touchmark/certs-test/traffic"
)

// yardstick is a server of nothing: it writes a page to a file, syncs it and answers.
// How long that takes says how slow the machine is, whatever the server that is tried
// out does.
type yardstick struct {
	mu     sync.Mutex // guards file and pages
	file   *os.File
	pages  int64
	server *http.Server
	ended  chan struct{}
	url    string
}

const (
	page = 4 << 10
	// mostPages bounds the file, which is written from the beginning again.
	mostPages = 4096
	// measureEvery is how often the machine is measured.
	measureEvery = 100 * time.Millisecond
)

func newYardstick(folder string) (*yardstick, error) {
	file, err := os.Create(filepath.Join(folder, "yardstick"))
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	y := &yardstick{file: file, ended: make(chan struct{}), url: "http://" + listener.Addr().String()}
	y.server = &http.Server{Handler: http.HandlerFunc(y.answer), ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(y.ended)
		_ = y.server.Serve(listener)
	}()
	return y, nil
}

func (y *yardstick) close() {
	_ = y.server.Close()
	<-y.ended
	_ = y.file.Close()
}

func (y *yardstick) answer(w http.ResponseWriter, _ *http.Request) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.pages++
	_, err := y.file.WriteAt(make([]byte, page), y.pages%mostPages*page)
	if err == nil {
		err = y.file.Sync()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "written")
}

// measure measures the machine until ctx is done.
func (s *soak) measure(ctx context.Context, y *yardstick) {
	for wait(ctx, measureEvery) {
		sent := time.Now()
		answer := s.clients.Send(context.WithoutCancel(ctx), traffic.Request{Method: http.MethodGet, URL: y.url})
		s.record.note(machine, sent, answer, answer.OK())
	}
}
