package bolt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
)

// What a process that is to be killed is told in its environment: the file, and
// the step of which compaction it is to kill itself at; empty for none.
const (
	crashVariable = "TOUCHMARK_TEST_CRASH"
	killVariable  = "TOUCHMARK_TEST_KILL"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		if err := writeUntilKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled records devices from many goroutines and prints the id of
// each once that is durable.
func writeUntilKilled(path string) error {
	s, err := bolt.Open(context.Background(), bolt.Config{Path: path})
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	if at := os.Getenv(killVariable); at != "" {
		wait.Go(func() { compactUntilKilled(s, at) })
	}
	prefix := rand.Uint32()
	for g := range 8 {
		wait.Go(func() {
			for i := 0; err == nil; i++ {
				id := identity.DeviceID(fmt.Sprintf("TH20-%d-%d-%d", prefix, g, i))
				d := enroll.Device{}
				d.ID, d.Fleet, d.State = id, "root", identity.Active
				err := s.Update(context.Background(), func(tx enroll.Tx) error {
					return errors.Join(tx.PutDevice(d), tx.Append(enroll.Event{Kind: enroll.DeviceEnrolled, Device: id}))
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println(id) // one write, so that a line is whole or not there
			}
		})
	}
	wait.Wait()
	return nil
}

// compactUntilKilled compacts again and again. at is a step, a colon, and the
// number of the time that it is reached for the last time.
func compactUntilKilled(s *bolt.Store, at string) {
	bolt.SmallCopies(s, 50_000, 1<<30)
	last, times, _ := strings.Cut(at, ":")
	left, err := strconv.Atoi(times)
	bolt.AtStep(s, func(step string) {
		if step == last {
			left--
		}
		if left == 0 && err == nil {
			err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it has arrived
		}
	})
	for err == nil {
		err = s.Compact(context.Background(), nil)
	}
	fmt.Fprintln(os.Stderr, err)
}

// TestKilledProcessLosesNothing kills a process that writes, several times, and
// looks for everything that it said was durable.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	told := map[identity.DeviceID]bool{}
	for round := range 5 {
		for _, id := range kill(t, path, 20+rand.IntN(200)) {
			told[id] = true
		}
		if err := bolt.Verify(path); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		s := open(t, bolt.Config{Path: path})
		found := 0
		for page := (enroll.Page{Limit: enroll.MaxPage}); ; {
			var list enroll.List[enroll.Device]
			err := s.View(t.Context(), func(r enroll.Reader) (err error) {
				if list, err = r.Devices(enroll.DeviceFilter{Page: page}); err != nil {
					return err
				}
				for _, d := range list.Items {
					story, err := r.Records(enroll.RecordFilter{Device: d.ID})
					if err != nil || len(story.Items) != 1 || !strings.Contains(string(story.Items[0].Data), string(d.ID)) {
						return fmt.Errorf("the story of %s: %+v, %w", d.ID, story, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range list.Items {
				if told[d.ID] {
					found++
				}
			}
			if page.After = list.Next; page.After == "" {
				break
			}
		}
		if found != len(told) {
			t.Fatalf("round %d: of %d devices that were durable, %d are there", round, len(told), found)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// kill starts a process that writes, kills it after it has told n ids, or waits
// until it kills itself where that is 0, and returns all that it told.
func kill(t *testing.T, path string, n int) []identity.DeviceID {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), crashVariable+"="+path)
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var told []identity.DeviceID
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		told = append(told, identity.DeviceID(lines.Text()))
		if len(told) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the process was not killed: %v", child.ProcessState)
	}
	return told
}
