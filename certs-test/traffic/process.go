package traffic

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Sample is how a server's process stands.
type Sample struct {
	At time.Time `json:"at"`
	// Goroutines and Heap (octets in use) are as the server says itself.
	Goroutines, Heap float64
	// Descriptors are open files and connections.
	Descriptors float64
	// Resident is the memory that the process has, in octets, without files that are
	// mapped into it: a store's pages lie in the system's cache, and go when needed.
	Resident float64
	// Shed is how many requests and handshakes were turned away since its start.
	Shed float64
	// Processor is the time that the process had one since its start, in seconds.
	Processor float64
	// Places is how many the server has for what is worked on at once.
	Places float64
}

// SampleOf asks a process and its node's metrics.
func (c *Clients) SampleOf(ctx context.Context, pid int) (s Sample, err error) {
	s.At = time.Now()
	answer := c.Send(ctx, Request{Method: http.MethodGet, URL: "http://" + c.Site.Nodes[0].Metrics + "/metrics"})
	if !answer.OK() {
		return s, fmt.Errorf("metrics: %s", answer)
	}
	said := bufio.NewScanner(bytes.NewReader(answer.Body))
	for said.Scan() {
		name, value, _ := strings.Cut(said.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue
		}
		switch {
		case name == "go_goroutines":
			s.Goroutines = n
		case name == "go_memstats_heap_inuse_bytes":
			s.Heap = n
		case name == "process_cpu_seconds_total":
			s.Processor = n
		case name == "touchmark_places":
			s.Places = n
		case strings.HasPrefix(name, "touchmark_shed_total{"):
			s.Shed += n
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return s, err
	}
	s.Descriptors = float64(len(files))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return s, err
	}
	s.Resident, err = anonymous(string(status))
	return s, err
}

// anonymous reads RssAnon of proc_pid_status(5), in KiB there.
func anonymous(status string) (float64, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return n * 1024, err
		}
	}
	return 0, fmt.Errorf("/proc says nothing of RssAnon")
}
