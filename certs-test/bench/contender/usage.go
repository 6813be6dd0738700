package contender

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: Linux tells user space of 100 in a
// second on every machine that Go runs on.
const tick = 10 * time.Millisecond

// CPU is the processor time that a process has used.
type CPU struct{ User, System time.Duration }

// Minus is what was used since before.
func (c CPU) Minus(before CPU) CPU { return CPU{c.User - before.User, c.System - before.System} }

// Plus is the sum of both.
func (c CPU) Plus(other CPU) CPU { return CPU{c.User + other.User, c.System + other.System} }

// Total is user and system time together.
func (c CPU) Total() time.Duration { return c.User + c.System }

// CPU reads utime and stime (proc_pid_stat(5)).
func (p *Process) CPU() (CPU, error) {
	fields, err := stat(p.ID())
	if err != nil {
		return CPU{}, err
	}
	return CPU{fields.ticks(14), fields.ticks(15)}, nil
}

// statFields are the fields of /proc/PID/stat, numbered from 1 as in its manual.
type statFields []string

func stat(pid int) (statFields, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	// The name, field 2, is in parentheses and may hold anything.
	end := strings.LastIndexByte(string(text), ')')
	fields := append([]string{"", "", ""}, strings.Fields(string(text[end+1:]))...)
	if len(fields) < 18 {
		return nil, fmt.Errorf("/proc/%d/stat is not as proc_pid_stat(5) says", pid)
	}
	return fields, nil
}

func (f statFields) ticks(n int) time.Duration { return time.Duration(f.number(n)) * tick }

func (f statFields) number(n int) int64 {
	number, _ := strconv.ParseInt(f[n], 10, 64) // the kernel writes numbers
	return number
}

// PeakMemory reads VmHWM, in bytes: the most memory that was resident since
// ForgetPeak.
func (p *Process) PeakMemory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.ID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kibibytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, errors.New("/proc/PID/status has no VmHWM")
}

// ForgetPeak starts PeakMemory anew (proc_pid_clear_refs(5)).
func (p *Process) ForgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.ID()), []byte("5"), 0)
}
