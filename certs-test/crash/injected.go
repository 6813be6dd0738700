package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// injectedCommand is the argument by which this program becomes another, one
// system call of which the kernel asks an injection about.
const injectedCommand = "injected"

// socketDescriptor is where the injection's socket is.
const socketDescriptor = 3

// becomeInjected becomes the program that the arguments name, after the number of
// the system call. It returns only where that fails.
func becomeInjected(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%w: after %s come the number of a system call and a program", errWrongUse, injectedCommand)
	}
	call, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the filter is the thread's, and goes with it into the program
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivileges, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("prctl: %w", errno)
	}
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jf: 1, K: uint32(call)},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: actNotify},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: actAllow},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	listener, _, errno := syscall.RawSyscall(seccompCall, seccompSetModeFilter, filterNewListener, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w; it needs Linux 5.5 and a machine that permits it", errno)
	}
	if err := syscall.Sendmsg(socketDescriptor, []byte{0}, syscall.UnixRights(int(listener)), nil, 0); err != nil {
		return fmt.Errorf("hand over the listener: %w", err)
	}
	syscall.CloseOnExec(int(listener))
	syscall.CloseOnExec(socketDescriptor)
	return syscall.Exec(args[1], args[1:], os.Environ())
}
