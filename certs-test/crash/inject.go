package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// injection has one system call of a process fail: the n-th of its kind, from 1,
// counted over all of its threads. The kernel asks us about each (seccomp user
// notification, seccomp_unotify(2), Linux 5.5). strace's injection counts each
// thread by itself, and Go moves its work from thread to thread.
type injection struct {
	call  int // number of the system call
	n     int64
	errno syscall.Errno

	seen atomic.Int64
	ours *os.File // our end of the socket over which the listener comes
	its  *os.File // the other, which the process inherits
}

// Numbers of seccomp(2), which package syscall does not have.
const (
	seccompSetModeFilter = 1
	filterNewListener    = 1 << 3 // SECCOMP_FILTER_FLAG_NEW_LISTENER
	actAllow             = 0x7fff0000
	actNotify            = 0x7fc00000
	notifyReceive        = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	notifySend           = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	flagContinue         = 1
	setNoNewPrivileges   = 38 // prctl(2)
)

// notification is struct seccomp_notif, response struct seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	call       int32
	arch       uint32
	pointer    uint64
	arguments  [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

func newInjection(call int, n int64, errno syscall.Errno) (*injection, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	return &injection{call: call, n: n, errno: errno, ours: os.NewFile(uintptr(pair[0]), "ours"), its: os.NewFile(uintptr(pair[1]), "its")}, nil
}

// command is what stands before a program's own command line, whose process gets
// the injection's socket as descriptor 3.
func (i *injection) command() ([]string, error) {
	self, err := os.Executable()
	return []string{self, injectedCommand, strconv.Itoa(i.call)}, err
}

// answer answers the kernel until the process has ended.
func (i *injection) answer() error {
	defer i.ours.Close()
	listener, err := i.listener()
	if err != nil {
		return err
	}
	defer listener.Close()
	for {
		if more, err := await(listener); err != nil || !more {
			return err
		}
		var asked notification
		if err := control(listener, notifyReceive, unsafe.Pointer(&asked)); err != nil {
			continue // whoever asked was killed meanwhile
		}
		said := response{id: asked.id, flags: flagContinue}
		if i.seen.Add(1) == i.n {
			said.errno, said.flags = -int32(i.errno), 0
		}
		_ = control(listener, notifySend, unsafe.Pointer(&said)) // whoever asked may have been killed
	}
}

// await waits for a question. It returns false when nobody is left who could ask
// one: receiving would wait for ever.
func await(listener *os.File) (more bool, err error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false, fmt.Errorf("epoll: %w", err)
	}
	defer func() { _ = syscall.Close(poll) }()
	fd := int(listener.Fd())
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
		return false, fmt.Errorf("epoll: %w", err)
	}
	for {
		var events [1]syscall.EpollEvent
		n, err := syscall.EpollWait(poll, events[:], -1)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return false, fmt.Errorf("epoll: %w", err)
		case n > 0:
			return events[0].Events&syscall.EPOLLHUP == 0, nil
		}
	}
}

func control(file *os.File, request uintptr, argument unsafe.Pointer) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}

// listener receives the descriptor that the process made.
func (i *injection) listener() (*os.File, error) {
	if err := i.its.Close(); err != nil {
		return nil, err
	}
	conn, err := net.FileConn(i.ours)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.New("not a socket of this machine")
	}
	rights := make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := unix.ReadMsgUnix(make([]byte, 1), rights)
	if err != nil {
		return nil, fmt.Errorf("the process did not hand over its listener: %w", err)
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("the process did not hand over its listener: %w", errors.Join(err, errors.New("no message")))
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), "listener"), nil
}
