package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"syscall"
	"time"
)

// wrongCall is a system call that fails, and how.
type wrongCall struct {
	name  string
	call  int
	errno syscall.Errno
	// stride is how many calls further on the next one fails: a commit syncs twice
	// and writes some ten pages.
	stride int64
}

func wrongCalls() []wrongCall {
	return []wrongCall{
		{"EIO on fdatasync", syscall.SYS_FDATASYNC, syscall.EIO, 1},
		{"ENOSPC on pwrite64", syscall.SYS_PWRITE64, syscall.ENOSPC, 7},
	}
}

// Which calls fail unless all are asked for: the first, and then every tenth.
const (
	firstCalls = 20
	everyTenth = 10
	lastCall   = 100
)

// chosenCalls returns which calls fail: each up to a number, or for 0 a choice.
func chosenCalls(each int64) (numbers []int64) {
	for n := int64(1); n <= cmp.Or(each, lastCall); n++ {
		if each > 0 || n <= firstCalls || n%everyTenth == 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func runFaults(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("crash faults", flag.ContinueOnError)
	each := flags.Int64("each", 0, "have each call fail up to the `N`-th; without it the first 20, and every tenth up to the 100th")
	database := flags.Bool("database", true, "fill the disk of a database too")
	mayMount := flags.Bool("mount", true, "mount small file systems, where that is permitted")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	if *each < 0 {
		return fmt.Errorf("%w: --each is not below 0", errWrongUse)
	}
	began := time.Now()
	for _, wrong := range wrongCalls() {
		if err := failCalls(ctx, stdout, wrong, chosenCalls(*each)); err != nil {
			return fmt.Errorf("%s: %w", wrong.name, err)
		}
	}
	if err := fillBolt(ctx, stdout, *mayMount); err != nil {
		return fmt.Errorf("full file system under bolt: %w", err)
	}
	if *database {
		if err := fillPostgres(ctx, stdout, *mayMount); err != nil {
			return fmt.Errorf("full disk under PostgreSQL: %w", err)
		}
	}
	_, err := fmt.Fprintf(stdout, "faults: nothing was lost, in %.0f s\n", time.Since(began).Seconds())
	return errors.Join(err, ctx.Err())
}
