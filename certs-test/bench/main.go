// Bench compares Touchmark with the floor server beside it and with step-ca, all
// as processes of their own on this machine, in one run: server CPU, throughput,
// latency and memory for enrolment, renewal and OCSP. It asserts nothing.
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
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one comparison.
type bench struct {
	programs      string // folder of floor and step-ca
	touchmark     string
	other         string         // another build of Touchmark that takes part; "" for none
	postgres      string         // folder of PostgreSQL's programs; "" for none
	servers       *regexp.Regexp // the contenders that take part, by name
	scenarios     *regexp.Regexp // those that run, by name
	concurrencies []int
	repeat        int
	count         int // operations in a run, at most
	questions     int // hot OCSP requests in a run, at most
	cold          int // certificates of the cold scenario, in all runs
	length        time.Duration
	progress      io.Writer

	entrants []*entrant
	database *contender.Database
	report   report.Report
}

func run(ctx context.Context, args []string, progress io.Writer) (err error) {
	b := &bench{progress: progress}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.touchmark, "touchmark", "../../bin/touchmark", "the `program` under test")
	flags.StringVar(&b.other, "other", "", "another build of Touchmark, a `program` of an earlier commit, that takes part beside the one under test")
	flags.StringVar(&b.programs, "programs", "bin", "`folder` of the programs floor and step-ca")
	flags.StringVar(&b.postgres, "postgres", "", "`folder` of PostgreSQL's initdb and postgres, or none; by default the newest on this machine")
	flags.IntVar(&b.repeat, "repeat", 3, "runs of each measurement; medians are shown")
	flags.IntVar(&b.count, "count", 1500, "at most so many enrolments or renewals in a run")
	flags.IntVar(&b.questions, "questions", 15000, "at most so many hot OCSP requests in a run")
	flags.IntVar(&b.cold, "cold", 100_000, "certificates whose OCSP answers are asked for cold, over all runs; 0 for none")
	flags.DurationVar(&b.length, "for", 2*time.Second, "at most so long sends a run requests")
	servers := flags.String("servers", "", "only contenders whose names match this `expression`, such as 'bolt|floor'; all by default")
	scenarios := flags.String("scenarios", "", "only scenarios whose names match this `expression`, such as 'Enrolment'; all by default")
	concurrency := flags.String("concurrency", "1,16,64", "clients at once")
	dir := flags.String("dir", "", "`folder` for the servers' data, on the disk to be measured; a temporary one by default")
	out := flags.String("out", "", "`folder` for results.json, plot.svg and the tables in README.md; without it tables are printed")
	profile := flags.String("profile", "", "take the CPU profiles of Touchmark, on each store, into this `folder` instead of comparing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for text := range strings.SplitSeq(*concurrency, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return fmt.Errorf("-concurrency %q: wants numbers from 1 to 1000, separated by commas", *concurrency)
		}
		b.concurrencies = append(b.concurrencies, n)
	}
	if b.servers, err = regexp.Compile(*servers); err != nil {
		return fmt.Errorf("-servers: %w", err)
	}
	if b.scenarios, err = regexp.Compile(*scenarios); err != nil {
		return fmt.Errorf("-scenarios: %w", err)
	}
	if b.repeat < 1 || b.count < 1 || b.questions < 1 || b.cold < 0 {
		return errors.New("-repeat, -count and -questions want at least 1, -cold at least 0")
	}
	if err := b.findPostgres(); err != nil {
		return err
	}
	if *dir, err = os.MkdirTemp(*dir, "touchmark-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop(), os.RemoveAll(*dir)) }()

	b.report = report.Report{Machine: report.ThisMachine(*dir), Began: time.Now().UTC().Truncate(time.Second), Settings: map[string]string{}}
	for _, name := range []string{"repeat", "count", "questions", "cold", "for", "concurrency", "servers", "scenarios"} {
		b.report.Settings[name] = flags.Lookup(name).Value.String()
	}
	if b.postgres != "" {
		b.report.Machine.PostgreSQL = contender.PostgresVersion(b.postgres)
	}
	if *profile != "" {
		return b.profiles(ctx, *dir, *profile)
	}
	others := watchOthers()
	if err := b.startAll(ctx, *dir); err != nil {
		return err
	}
	if err := b.all(ctx); err != nil {
		return err
	}
	if b.report.Machine.Others, err = others(b); err != nil {
		return err
	}
	if *out == "" {
		_, err := io.WriteString(os.Stdout, b.report.Tables()+"\n"+b.report.TargetTable())
		return err
	}
	return b.report.Write(*out)
}

// findPostgres settles where PostgreSQL's programs are.
func (b *bench) findPostgres() error {
	switch b.postgres {
	case "none":
		b.postgres = ""
	case "":
		if b.postgres = contender.FindPostgres(); b.postgres == "" {
			fmt.Fprintln(b.progress, "no PostgreSQL on this machine: install it (Debian's package postgresql) to have it compared")
		}
	default:
		if _, err := os.Stat(filepath.Join(b.postgres, "initdb")); err != nil {
			return fmt.Errorf("-postgres: %w", err)
		}
	}
	return nil
}
