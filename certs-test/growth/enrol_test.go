package growth_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// TestManyDevices enrols devices and compares what the last twentieth of them costs
// with what the second one did. Then it opens the store with nothing of it in
// memory, in a process of its own, and tells how long that took.
func TestManyDevices(t *testing.T) {
	eachKeeper(t, func(t *testing.T, k keeper) {
		s := newSite(t)
		kept := open(t, k.url())
		check(t, s.serve(t.Context(), kept))
		order, err := s.order(t.Context(), "/berlin/line-3")
		check(t, err)
		part := *devices / 20
		var costs []float64
		for i := range 20 {
			batch := newDevices(t, i*part, part)
			before := processorTime()
			check(t, s.enrol(t.Context(), order, batch))
			costs = append(costs, float64((processorTime()-before).Microseconds())/float64(part))
		}
		wholeLog(t, kept, uint64(*devices))
		memory := liveMemory()
		check(t, kept.Close())
		atMost(t, *full, "CPU µs for one enrolment, last to second part", costs[19], costs[1], 1.5)
		size, err := k.size(t.Context())
		check(t, err)
		t.Logf("%d devices: %d bytes of disk each, %d MB of heap", *devices, size/int64(*devices), memory>>20)
		check(t, k.forget())
		took := openElsewhere(t, k)
		t.Logf("opened cold in %s", took)
		if *full && took > 2*time.Second {
			t.Errorf("it takes %s to open the store", took)
		}
	})
}

// wholeLog checks that the log has at least a record of each device.
func wholeLog(t *testing.T, s enroll.Store, devices uint64) {
	t.Helper()
	check(t, s.View(t.Context(), func(r enroll.Reader) error {
		size, err := r.TreeSize()
		if size < devices {
			t.Errorf("the log has %d records of %d devices", size, devices)
		}
		return err
	}))
}

const openVariable = "TOUCHMARK_GROWTH_OPEN"

// openElsewhere opens the keeper in another process and returns how long that took
// until something could be read.
func openElsewhere(t *testing.T, k keeper) time.Duration {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestOpen$", "-test.v")
	command.Env = append(os.Environ(), openVariable+"="+k.url())
	out, err := command.CombinedOutput()
	_, after, found := strings.Cut(string(out), "took ")
	text, _, _ := strings.Cut(after, " µs")
	microseconds, notNumber := strconv.Atoi(text)
	if err != nil || !found || notNumber != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return time.Duration(microseconds) * time.Microsecond
}

// TestOpen is what the other process does.
func TestOpen(t *testing.T) {
	url := os.Getenv(openVariable)
	if url == "" {
		return // there is nothing to open: this is not the other process
	}
	s := newSite(t)
	began := time.Now()
	kept := open(t, url)
	check(t, s.serve(t.Context(), kept))
	t.Logf("took %d µs", time.Since(began).Microseconds())
	check(t, kept.Close())
}
