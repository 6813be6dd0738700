package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/certs-test/soak/judge"
)

// report is what a run is judged by.
type report struct {
	Began   time.Time `json:"began"`
	Length  string    `json:"length"`
	Store   string    `json:"store"`
	Rate    int       `json:"rate"`
	Devices int       `json:"devices"`
	// Judged is the time from which on one process was judged, since the beginning.
	Judged string `json:"judged_from"`
	Flat   bool   `json:"flat"` // and nothing wrong
	// Issued is how many certificates there were, Operations how many answers were timed,
	// and Refused how many were turned away or cut off in trouble.
	Issued     int64           `json:"issued"`
	Operations map[kind]int    `json:"operations"`
	Refused    int             `json:"refused"`
	Faults     map[string]int  `json:"faults"`
	Verdicts   []judge.Verdict `json:"verdicts"`
	// Machine is the yardstick's p99, which is told and not judged.
	Machine judge.Verdict `json:"machine"`
	Wrong   []string      `json:"wrong"`
	Samples []sampled     `json:"samples"`
}

// What flat means. A share is of the median, over the whole time that is judged.
const (
	mib = 1 << 20
	// latencyParts is into how many parts the time is cut for the p99 of each.
	latencyParts = 12
	// A p99 may rise by latencyShare, or by so many milliseconds.
	latencyShare = 0.5
	latencySlack = 20
	// In a short run, which tries out this program, each part of the time has few
	// requests, and the server is not warm yet: all slacks are so many times as much.
	shortRun   = 30 * time.Minute
	shortSlack = 5
	// perCertificate is the most that the store may take for each certificate and the
	// records about it, in octets, where the run is too short for them to leave.
	perCertificate = 12 << 10
	// storeSettles is how long it takes until as much leaves as comes: until what came
	// first has expired and been kept, and the archive had time to follow.
	storeSettles = lifetime + retention + 30*time.Minute
)

// series are what is measured of the process.
func series() []struct {
	name, unit string
	rule       judge.Rule
	of         func(sampled) float64
} {
	return []struct {
		name, unit string
		rule       judge.Rule
		of         func(sampled) float64
	}{
		{"goroutines", "", judge.Rule{Share: 0.1, Slack: 15}, func(s sampled) float64 { return s.Goroutines }},
		{"open files", "", judge.Rule{Share: 0.1, Slack: 15}, func(s sampled) float64 { return s.Descriptors }},
		{"heap in use", "MiB", judge.Rule{Share: 0.15, Slack: 8}, func(s sampled) float64 { return s.Heap / mib }},
		{"resident memory", "MiB", judge.Rule{Share: 0.15, Slack: 12}, func(s sampled) float64 { return s.Resident / mib }},
	}
}

// judge judges what was recorded.
func (s *soak) judge() *report {
	r := s.record
	r.mu.Lock()
	defer r.mu.Unlock()
	from := time.Duration(float64(s.length) * (restartShare + warmUpShare))
	out := &report{
		Began: s.began.UTC(), Length: s.length.String(), Store: s.keeper.Name, Rate: s.rate, Devices: s.devices,
		Judged: from.String(), Issued: s.issued.Load(), Operations: map[kind]int{}, Refused: r.refused, Faults: r.faults,
		Wrong: r.wrongs, Samples: r.samples, Machine: s.machineWas(from),
	}
	if r.more > 0 {
		out.Wrong = append(out.Wrong, fmt.Sprintf("and %d more", r.more))
	}
	slack := 1.0
	if s.length < shortRun {
		slack = shortSlack
	}
	late := slices.DeleteFunc(slices.Clone(r.samples), func(p sampled) bool { return p.Time < from })
	for _, one := range series() {
		one.rule.Slack *= slack
		out.Verdicts = append(out.Verdicts, judge.Judge(one.name, one.unit, pointsOf(late, one.of), one.rule))
	}
	out.Verdicts = append(out.Verdicts, s.judgeStore(r.samples, from))
	for _, k := range kinds() {
		out.Operations[k] = len(r.done[k])
		out.Verdicts = append(out.Verdicts, s.judgeLatency(k, from, slack*latencySlack))
	}
	out.Flat = len(out.Wrong) == 0 && !slices.ContainsFunc(out.Verdicts, func(v judge.Verdict) bool { return !v.Flat })
	return out
}

// judgeLatency wants the p99 of a kind of request to be flat: by itself or, where the
// machine got slower in the meantime, in relation to that. The machine itself is told,
// and not judged.
func (s *soak) judgeLatency(k kind, from time.Duration, slack float64) judge.Verdict {
	p99 := func(k kind) []judge.Point {
		return judge.Percentiles(s.record.done[k], from, s.length, latencyParts, 0.99)
	}
	v := judge.Judge("p99 of "+string(k), "ms", p99(k), judge.Rule{Share: latencyShare, Slack: slack})
	if v.Flat || v.Points == 0 {
		return v
	}
	relative := judge.Judge(v.Name, "", judge.Relative(p99(k), p99(machine)), judge.Rule{Share: latencyShare})
	if relative.Flat {
		v.Flat, v.Why = true, ""
		v.Note = fmt.Sprintf("as the machine, whose p99 went from %.1f ms to %.1f", s.machineWas(from).First, s.machineWas(from).Last)
	}
	return v
}

// machineWas is how the yardstick fared.
func (s *soak) machineWas(from time.Duration) judge.Verdict {
	points := judge.Percentiles(s.record.done[machine], from, s.length, latencyParts, 0.99)
	return judge.Judge("p99 of "+string(machine), "ms", points, judge.Rule{})
}

// judgeStore wants the store to be flat, once as much leaves it as comes; and before
// that, that each certificate takes no more than it should.
func (s *soak) judgeStore(samples []sampled, from time.Duration) judge.Verdict {
	if s.length >= 2*storeSettles {
		late := slices.DeleteFunc(slices.Clone(samples), func(p sampled) bool { return p.Time < max(from, storeSettles) })
		return judge.Judge("store", "MiB", pointsOf(late, func(p sampled) float64 { return p.Store / mib }), judge.Rule{Share: 0.1, Slack: 16})
	}
	v := judge.Verdict{Name: "store, for each certificate", Unit: "octets", Points: len(samples), Allowed: perCertificate}
	if len(samples) < 2 {
		v.Why = "it was not measured"
		return v
	}
	first, last := samples[0], samples[len(samples)-1]
	v.Median = (last.Store - first.Store) / max(last.Issued-first.Issued, 1)
	v.First, v.Last, v.Rise = first.Store, last.Store, v.Median
	if v.Flat = v.Median <= perCertificate; !v.Flat {
		v.Why = "more than a certificate and its records take"
	}
	return v
}

func pointsOf(samples []sampled, of func(sampled) float64) (points []judge.Point) {
	for _, p := range samples {
		points = append(points, judge.Point{At: p.Time, Value: of(p)})
	}
	return points
}

// markdown is the report for people.
func (r *report) markdown() string {
	var b strings.Builder
	word := map[bool]string{true: "flat, and nothing wrong", false: "NOT as it should be"}[r.Flat]
	fmt.Fprintf(&b, "# Soak: %s\n\n%s on %s from %s: %d devices, %d things a second, %d certificates issued, %d requests turned away or cut off in trouble. One process is judged from %s on.\n\n",
		word, r.Length, r.Store, r.Began.Format("2006-01-02 15:04 MST"), r.Devices, r.Rate, r.Issued, r.Refused, r.Judged)
	b.WriteString("| what | points | median | first | last | rise | allowed | |\n|---|---|---|---|---|---|---|---|\n")
	for _, v := range r.Verdicts {
		said := "flat"
		if v.Note != "" {
			said += ", " + v.Note
		}
		if !v.Flat {
			said = "**" + v.Why + "**"
		}
		fmt.Fprintf(&b, "| %s | %d | %.1f %s | %.1f | %.1f | %.1f | %.1f | %s |\n", v.Name, v.Points, v.Median, v.Unit, v.First, v.Last, v.Rise, v.Allowed, said)
	}
	fmt.Fprintf(&b, "\nThe machine by itself, writing a page and syncing it: p99 %.1f ms (%.1f to %.1f).\n", r.Machine.Median, r.Machine.First, r.Machine.Last)
	b.WriteString("\nDone: ")
	for i, k := range kinds() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", k, r.Operations[k])
	}
	b.WriteString(".\n\nFaults: ")
	for i, name := range slices.Sorted(maps.Keys(r.Faults)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", name, r.Faults[name])
	}
	b.WriteString(".\n")
	for _, wrong := range r.Wrong {
		fmt.Fprintf(&b, "\n- %s", strings.ReplaceAll(wrong, "\n", "\n  "))
	}
	if len(r.Wrong) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// write writes the report into a folder.
func (r *report) write(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "soak.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "soak.md"), []byte(r.markdown()), 0o600)
}
