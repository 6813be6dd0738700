package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

const (
	clients = 16
	// So many operations are acknowledged in a round before somebody is killed, and
	// then it takes a moment more.
	leastWork, mostWork = 10, 160
	mostMoment          = 10 * time.Millisecond
	// workTime is how long that may take.
	workTime = 30 * time.Second
	// mostOutage is how long the killed stay dead. A server whose database is dead is
	// asked all the time.
	mostOutage = 100 * time.Millisecond
	// sample is how many devices of earlier rounds are looked at in each.
	sample = 20
)

// victim is who is killed.
type victim string

const (
	theServer   victim = "server"
	theDatabase victim = "database"
	both        victim = "server and database"
)

// rounds is one run of crash rounds.
type rounds struct {
	seed   uint64
	out    io.Writer
	keeper *lab.Keeper
	lab    *lab.Lab
	fleet  *fleet.Fleet
	server *lab.Server
	killed map[victim]int
}

func runRounds(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("crash rounds", flag.ContinueOnError)
	most := flags.Int("rounds", 25, "how many `N`")
	store := flags.String("store", "bolt", "bolt, postgres, or the `URL` of an empty database of PostgreSQL")
	seed := flags.String("seed", "", "the `number` that an earlier run printed, to repeat it")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	r := &rounds{out: stdout, killed: map[victim]int{}, seed: uint64(time.Now().UnixNano()) % 1_000_000_000}
	if *seed != "" {
		if r.seed, err = strconv.ParseUint(*seed, 10, 64); err != nil {
			return fmt.Errorf("%w: --seed is a number, not %q", errWrongUse, *seed)
		}
	}
	if *most < 1 {
		return fmt.Errorf("%w: --rounds is at least 1", errWrongUse)
	}
	if r.keeper, err = lab.OpenKeeper(*store); errors.Is(err, lab.ErrKeeper) {
		return fmt.Errorf("%w: %w", errWrongUse, err)
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.keeper.Close()) }()
	fmt.Fprintf(stdout, "crash: %d rounds on %s; SEED=%d repeats them\n", *most, r.keeper.Name, r.seed)
	return inLab(ctx, r.keeper.URL, func(made *lab.Lab) error {
		r.lab = made
		return r.run(ctx, *most)
	})
}

// inLab sets a lab up in a folder of its own, which is removed unless fn fails.
func inLab(ctx context.Context, store string, fn func(*lab.Lab) error) error {
	folder, err := os.MkdirTemp("", "touchmark-crash")
	if err != nil {
		return err
	}
	program, err := lab.Program(ctx, folder)
	if err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	made, err := lab.New(ctx, lab.Config{Dir: folder, Program: program, Store: store})
	if err == nil {
		err = fn(made)
	}
	if err != nil {
		return fmt.Errorf("%w\nThe lab is left in %s", err, filepath.Clean(folder))
	}
	return os.RemoveAll(folder)
}

// run makes all rounds, looks at everything at the end, and tells the sum.
func (r *rounds) run(ctx context.Context, most int) (err error) {
	began := time.Now()
	r.fleet, err = fleet.New(fleet.Config{
		Site: r.lab.Site, Clients: clients, Seed: r.seed, Name: "c" + strconv.FormatInt(began.UnixMilli(), 36), Clock: time.Now,
	})
	if err != nil {
		return err
	}
	defer r.fleet.Close()
	if r.server, err = r.lab.Serve(ctx, 0); err != nil {
		return err
	}
	defer func() { r.server.Kill() }()
	for n := 1; n <= most; n++ {
		if err := r.round(ctx, n); err != nil {
			return fmt.Errorf("round %d of SEED=%d: %w\nThe server said last:\n%s", n, r.seed, err, r.server.LastWords())
		}
	}
	if err := r.judge(ctx, fleet.Scope{All: true}); err != nil {
		return fmt.Errorf("at the end of SEED=%d: %w", r.seed, err)
	}
	if err := r.server.Stop(ctx); err != nil {
		return err
	}
	r.summary(most, time.Since(began))
	return nil
}

// round works, kills, starts again and judges.
func (r *rounds) round(ctx context.Context, n int) error {
	began := time.Now()
	before := r.fleet.Ledger.Counts()
	random := rand.New(rand.NewPCG(r.seed, uint64(n)))
	who := theServer
	enough := before.Operations() + leastWork + random.IntN(mostWork-leastWork)
	if r.keeper.Database != nil {
		who = []victim{theServer, theServer, theDatabase, both}[random.IntN(4)]
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.fleet.Work(working)
	}()
	err := r.worked(ctx, enough)
	time.Sleep(time.Duration(random.Int64N(int64(mostMoment))))
	atKill := r.fleet.Ledger.Counts().Operations() - before.Operations()
	err = errors.Join(err, r.kill(who))
	if who != theDatabase {
		stop() // nobody answers any more
		<-ended
	}
	if err == nil {
		time.Sleep(time.Duration(random.Int64N(int64(mostOutage))))
		err = r.revive(ctx, who)
	}
	stop()
	<-ended
	if err != nil {
		return fmt.Errorf("%s killed after %d operations: %w", who, atKill, err)
	}
	if err := r.judge(ctx, fleet.Scope{Sample: sample}); err != nil {
		return fmt.Errorf("%s killed after %d operations: %w", who, atKill, err)
	}
	r.killed[who]++
	after := r.fleet.Ledger.Counts()
	fmt.Fprintf(r.out, "round %3d: %s killed after %3d operations; %3d in all, %3d in doubt, %4d devices checked, %.1f s\n", n, who, atKill,
		after.Operations()-before.Operations(), after.Doubts-before.Doubts, after.Checked-before.Checked, time.Since(began).Seconds())
	return ctx.Err()
}

// worked waits until so many operations were acknowledged.
func (r *rounds) worked(ctx context.Context, enough int) error {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for r.fleet.Ledger.Counts().Operations() < enough {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the clients do not get on: %w", ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

// kill kills at once.
func (r *rounds) kill(who victim) error {
	if who != theDatabase {
		r.server.Kill()
	}
	if who != theServer {
		return r.keeper.Database.Stop(true)
	}
	return nil
}

// revive starts what was killed. A server whose database was killed lives on and
// recovers by itself.
func (r *rounds) revive(ctx context.Context, who victim) (err error) {
	if who != theServer {
		if err := r.keeper.Database.Resume(); err != nil {
			return err
		}
	}
	if who != theDatabase {
		r.server, err = r.lab.Serve(ctx, 0)
	}
	return err
}

// judge settles what is in doubt and returns the first faults.
func (r *rounds) judge(ctx context.Context, scope fleet.Scope) error {
	return errors.Join(judge(ctx, r.fleet, scope), ended(r.server))
}

// mostFaults is how many faults are told.
const mostFaults = 5

func judge(ctx context.Context, f *fleet.Fleet, scope fleet.Scope) error {
	err := f.Settle(ctx)
	if err == nil {
		err = f.Verify(ctx, scope)
	}
	faults := f.Ledger.Faults()
	for i, fault := range faults {
		if i == mostFaults {
			return errors.Join(err, fmt.Errorf("and %d more", len(faults)-mostFaults))
		}
		err = errors.Join(err, fault)
	}
	return err
}

// ended is an error where the server has, and should not.
func ended(s *lab.Server) error {
	select {
	case <-s.Ended():
		return errors.New("the server has ended by itself")
	default:
		return nil
	}
}

func (r *rounds) summary(most int, took time.Duration) {
	counts := r.fleet.Ledger.Counts()
	var done, killed []string
	for _, ask := range fleet.Asks() {
		done = append(done, fmt.Sprintf("%s %d", ask, counts.Acknowledged[ask]))
	}
	for _, who := range []victim{theServer, theDatabase, both} {
		if r.killed[who] > 0 {
			killed = append(killed, fmt.Sprintf("%s %d times", who, r.killed[who]))
		}
	}
	fmt.Fprintf(r.out, `crash: %d rounds on %s in %.0f s, SEED=%d
  killed      %s
  operations  %d acknowledged (%s)
  refused     %d, by full orders
  doubts      %d, all settled
  checked     %d devices, and all of them at the end
  faults      0
`, most, r.keeper.Name, took.Seconds(), r.seed, strings.Join(killed, ", "), counts.Operations(), strings.Join(done, ", "),
		counts.Refused, counts.Doubts, counts.Checked)
}
