package report

import (
	"fmt"
	"strings"
)

// at is the concurrency that the targets speak of.
const at = 64

// target is one figure to reach.
type target struct {
	scenario, contender, against string
	figure                       figure
	limit                        float64
}

// figure says what a target is about.
type figure int

const (
	cpuRatio        figure = iota // server CPU: at most limit times the other's
	throughputRatio               // operations per second: at least limit times the other's
	databaseCPU                   // the database's CPU for one operation: at most limit µs
)

// targets are those of the issue that ordered this benchmark.
func targets() []target {
	return []target{
		{EnrolKept, Touchmark, Floor, cpuRatio, 1.4},
		{EnrolFresh, Touchmark, Floor, cpuRatio, 1.2},
		{RenewFresh, Touchmark, Floor, cpuRatio, 1.2},
		{OCSPHot, Touchmark, Floor, cpuRatio, 0.4},
		{OCSPCold, Touchmark, Floor, cpuRatio, 1.2},
		{EnrolKept, Touchmark, Floor, throughputRatio, 0.7},
		{EnrolFresh, Touchmark, Floor, throughputRatio, 0.7},
		{RenewFresh, Touchmark, Floor, throughputRatio, 0.7},
		{EnrolKept, Touchmark, StepBBolt, throughputRatio, 4},
		{EnrolKept, Touchmark, StepBadger, throughputRatio, 2},
		{EnrolKept, TouchmarkPostgres, Floor, cpuRatio, 1.8},
		{EnrolKept, TouchmarkPostgres, "", databaseCPU, 350},
		{EnrolKept, TouchmarkPostgres, StepPostgres, throughputRatio, 5},
	}
}

// TargetTable tells of each target whether it was met, in Markdown.
func (r *Report) TargetTable() string {
	var b strings.Builder
	b.WriteString("| at 64 | target | measured | |\n|---|---|---|---|\n")
	for _, t := range targets() {
		wanted, measured, verdict := r.judge(t)
		fmt.Fprintf(&b, "| %s, %s | %s | %s | %s |\n", t.contender, t.scenario, wanted, measured, verdict)
	}
	return b.String()
}

// judge returns what was wanted, what was measured, and whether that is enough.
func (r *Report) judge(t target) (wanted, measured, verdict string) {
	switch t.figure {
	case cpuRatio:
		wanted = fmt.Sprintf("server CPU at most %.1f × %s", t.limit, t.against)
	case throughputRatio:
		wanted = fmt.Sprintf("throughput at least %.1f × %s", t.limit, t.against)
	case databaseCPU:
		wanted = fmt.Sprintf("the database's CPU at most %.0f µs", t.limit)
	}
	ours, found := r.Median(t.scenario, at, t.contender)
	theirs, foundTheirs := r.Median(t.scenario, at, t.against)
	if !found || !foundTheirs && t.figure != databaseCPU {
		return wanted, "not measured", ""
	}
	var value float64
	met := false
	switch t.figure {
	case cpuRatio:
		value = ours.CPU() / theirs.CPU()
		met = value <= t.limit
		measured = fmt.Sprintf("%.2f × (%.0f to %.0f µs)", value, ours.CPU(), theirs.CPU())
	case throughputRatio:
		value = ours.PerSecond / theirs.PerSecond
		met = value >= t.limit
		measured = fmt.Sprintf("%.2f × (%.0f to %.0f a second)", value, ours.PerSecond, theirs.PerSecond)
	case databaseCPU:
		value = ours.DatabaseCPU
		met = value <= t.limit
		measured = fmt.Sprintf("%.0f µs", value)
	}
	if met {
		return wanted, measured, "met"
	}
	return wanted, measured, "**missed**"
}
