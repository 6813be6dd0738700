package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// Garbage collection of a server.
const (
	// usualGarbage has garbage collected at five times what lives, not two: a server keeps
	// little and makes much of it. That costs some tens of megabytes and saves a part of
	// the CPU of every request.
	usualGarbage = 400
	// memoryShare is what a server stays below, in quarters of the memory there is.
	memoryShare = 3
)

// boundMemory has garbage collected seldom while there is room, and often near the
// limit: memory octets, or three quarters of what there is where memory is 0. GOGC and
// GOMEMLIMIT, where they are set, stand.
func boundMemory(memory int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(usualGarbage)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if memory == 0 {
		memory = memoryThere(os.ReadFile) / 4 * memoryShare
	}
	if memory > 0 {
		debug.SetMemoryLimit(memory)
	}
}

// memoryThere returns the memory of the machine or of the container, whichever is
// less, in octets; 0 where neither can be told, as on systems other than Linux.
func memoryThere(read func(path string) ([]byte, error)) (least int64) {
	for path, parse := range map[string]func(string) int64{
		"/proc/meminfo":             totalMemory,
		"/sys/fs/cgroup/memory.max": wholeNumber, // within a container: its own (cgroups, version 2)
	} {
		text, err := read(path)
		if err != nil {
			continue
		}
		if n := parse(string(text)); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// totalMemory reads the first line of /proc/meminfo (proc(5)), in KiB.
func totalMemory(text string) int64 {
	line, _, _ := strings.Cut(text, "\n")
	number, ok := strings.CutPrefix(line, "MemTotal:")
	if !ok {
		return 0
	}
	return wholeNumber(strings.TrimSuffix(number, "kB")) << 10
}

// wholeNumber returns 0 for what is none, such as max.
func wholeNumber(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 53)
	if err != nil {
		return 0
	}
	return n
}
