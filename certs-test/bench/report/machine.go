package report

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ThisMachine describes the machine, and the file system of dir. What cannot be
// found out is left empty.
func ThisMachine(dir string) Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Processor: runtime.GOARCH}
	if name := field("/proc/cpuinfo", "model name"); name != "" {
		m.Processor = name
	}
	kibibytes, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	m.Memory = kibibytes << 10
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(release))
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	m.LoadBefore, _ = strconv.ParseFloat(first, 64)
	m.FileSystem = fileSystem(dir)
	return m
}

// field returns the value after "name:" in a file of /proc.
func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem names dir's by its magic number (statfs(2)).
func fileSystem(dir string) string {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return "an unknown file system"
	}
	switch stat.Type {
	case 0xef53:
		return "ext4"
	case 0x58465342:
		return "xfs"
	case 0x9123683e:
		return "btrfs"
	case 0x01021994:
		return "tmpfs (fsync costs nothing there: choose another -dir)"
	}
	return "file system 0x" + strconv.FormatInt(int64(stat.Type), 16)
}

// BusyCPU is the processor time that the whole machine has used since it started
// (proc_stat(5)); 0 where that cannot be found out.
func BusyCPU() time.Duration {
	const tick = 10 * time.Millisecond // as in /proc/PID/stat
	text, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first) // cpu, user, nice, system, idle, iowait, irq, softirq
	if len(fields) < 8 {
		return 0
	}
	var busy int64
	for _, n := range []int{1, 2, 3, 6, 7} {
		ticks, _ := strconv.ParseInt(fields[n], 10, 64) // the kernel writes numbers
		busy += ticks
	}
	return time.Duration(busy) * tick
}
