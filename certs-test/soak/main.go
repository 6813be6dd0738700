// Command soak runs a real server for hours, under a mixed load and with faults, and
// tells whether anything grows that should not.
//
//	soak [--hours H] [--store STORE] [--rate N] [--devices N] [--seed N] [--out DIR]
//
// A fixed number of devices renew, are held and released, lose a certificate and enrol
// again; relying parties ask for OCSP and CRLs; people list devices, orders and the
// log; strangers send what is wrong. In the first fifth of the time the server is ended
// and killed and started again. From then on it is one process, which is paused, whose
// clients stall, dribble, go away, send garbage, and all come at once.
//
// Its goroutines, open files, memory, store and the p99 of each kind of request are
// measured all the time and judged at the end (package judge): flat, or not. It ends
// with 0 where all is flat, nothing was answered that should not have been, the log
// proves itself and the server ends well when told to; and with 1 otherwise.
// DIR/soak.md and DIR/soak.json say what was measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitFlat     = 0
	exitFault    = 1
	exitWrongUse = 2
)

// options are what the arguments say.
type options struct {
	length        time.Duration
	store, out    string
	rate, devices int
	seed          uint64
}

// Bounds of a run.
const (
	shortest = 45 * time.Second
	longest  = 14 * 24 * time.Hour
)

var errWrongUse = errors.New("wrong use")

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	hours := flags.Float64("hours", 1, "for how many `hours`; fractions are allowed, from 0.0125 on")
	flags.StringVar(&o.store, "store", "bolt", "bolt, postgres, or the `URL` of an empty database of PostgreSQL")
	flags.IntVar(&o.rate, "rate", 40, "how many things are done in a second, `1` to 1000")
	flags.IntVar(&o.devices, "devices", 200, "how many `devices` there are, 20 to 10000")
	flags.Uint64Var(&o.seed, "seed", 1, "a `number` that decides who does what")
	flags.StringVar(&o.out, "out", "bin/soak", "the `folder` for the report")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.length = time.Duration(*hours * float64(time.Hour))
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%w: %q is one argument too many", errWrongUse, flags.Arg(0))
	case o.length < shortest || o.length > longest:
		return o, fmt.Errorf("%w: --hours is 0.0125 to 336", errWrongUse)
	case o.rate < 1 || o.rate > 1000 || o.devices < 20 || o.devices > 10_000:
		return o, fmt.Errorf("%w: --rate is 1 to 1000, --devices 20 to 10000", errWrongUse)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitWrongUse
	case err != nil:
		fmt.Fprintln(stderr, "soak:", err)
		return exitWrongUse
	}
	if err := o.run(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return exitFault
	}
	return exitFlat
}

// run sets a lab up in a folder of its own, which is removed unless the run fails.
func (o options) run(ctx context.Context, stdout io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "touchmark-soak")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\nThe lab is left in %s", err, filepath.Clean(folder))
			return
		}
		err = os.RemoveAll(folder)
	}()
	opened, err := lab.OpenKeeper(o.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	program, err := lab.Program(ctx, folder)
	if err != nil {
		return err
	}
	made, err := lab.New(ctx, lab.Config{Dir: folder, Program: program, Store: opened.URL})
	if err != nil {
		return err
	}
	if err := shortenLives(made.Dir); err != nil {
		return err
	}
	k := &keeper{opened, made.StoreFile()}
	return newSoak(o, stdout, made, k).run(ctx)
}
