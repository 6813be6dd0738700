package main

import (
	"io/fs"
	"testing"
)

func TestMemoryThere(t *testing.T) {
	const machine = "MemTotal:        8000000 kB\nMemFree:         1000 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"a machine", map[string]string{"/proc/meminfo": machine}, 8000000 << 10},
		{"a container with a limit", map[string]string{"/proc/meminfo": machine, "/sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		{"a container without one", map[string]string{"/proc/meminfo": machine, "/sys/fs/cgroup/memory.max": "max\n"}, 8000000 << 10},
		{"a container with more than there is", map[string]string{"/proc/meminfo": machine, "/sys/fs/cgroup/memory.max": "99999999999999\n"}, 8000000 << 10},
		{"another system", nil, 0},
		{"nonsense", map[string]string{"/proc/meminfo": "Mem", "/sys/fs/cgroup/memory.max": "-1"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := memoryThere(func(path string) ([]byte, error) {
				text, ok := test.files[path]
				if !ok {
					return nil, fs.ErrNotExist
				}
				return []byte(text), nil
			})
			if got != test.want {
				t.Errorf("%d octets, want %d", got, test.want)
			}
		})
	}
}
