// Package report keeps what was measured and shows it: as JSON, as tables in
// Markdown, as a plot in SVG.
package report

import (
	"cmp"
	"slices"
	"time"
)

// Report is one run of the benchmark.
type Report struct {
	// Machine tells where it ran.
	Machine Machine `json:"machine"`
	// Began is when.
	Began time.Time `json:"began"`
	// Settings are the flags that bounded it.
	Settings map[string]string `json:"settings"`
	// Contenders are their names, in the order of the tables.
	Contenders []string `json:"contenders"`
	// Runs are all single runs, in the order in which they were made.
	Runs []Run `json:"runs"`
}

// Machine is what a figure cannot be compared without.
type Machine struct {
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Memory     int64  `json:"memory_bytes"`
	Kernel     string `json:"kernel"`
	FileSystem string `json:"file_system"`
	Go         string `json:"go"`
	// PostgreSQL is the version of the server that some contenders ran on; "" for none.
	PostgreSQL string `json:"postgresql,omitempty"`
	// LoadBefore is the load average of the minute before the run: what others did.
	LoadBefore float64 `json:"load_before"`
	// Others is the share of the processors, 0 to 1, that programs other than the
	// benchmark and its servers used during the run.
	Others float64 `json:"others"`
}

// Run is one measurement of one contender. Times per operation are in
// microseconds.
type Run struct {
	Scenario    string  `json:"scenario"`
	Concurrency int     `json:"concurrency"`
	Contender   string  `json:"contender"`
	Operations  int     `json:"operations"`
	Seconds     float64 `json:"seconds"`
	PerSecond   float64 `json:"per_second"`
	P50         float64 `json:"p50_us"`
	P99         float64 `json:"p99_us"`
	UserCPU     float64 `json:"user_cpu_us"`
	SystemCPU   float64 `json:"system_cpu_us"`
	// DatabaseCPU is that of the database's processes; 0 for those without one.
	DatabaseCPU float64 `json:"database_cpu_us"`
	// ClientCPU is what the load tool itself used.
	ClientCPU float64 `json:"client_cpu_us"`
	// PeakMemory is the most that was resident, in bytes.
	PeakMemory int64 `json:"peak_memory_bytes"`
}

// CPU is the server's own processor time for one operation, in microseconds.
func (r Run) CPU() float64 { return r.UserCPU + r.SystemCPU }

// Median is, figure by figure, the median of the runs of one contender in one
// scenario at one concurrency; false if there are none.
func (r *Report) Median(scenario string, concurrency int, contender string) (Run, bool) {
	var runs []Run
	for _, run := range r.Runs {
		if run.Scenario == scenario && run.Concurrency == concurrency && run.Contender == contender {
			runs = append(runs, run)
		}
	}
	if len(runs) == 0 {
		return Run{}, false
	}
	middle := runs[0]
	middle.Operations = median(runs, func(r Run) int { return r.Operations })
	middle.PeakMemory = median(runs, func(r Run) int64 { return r.PeakMemory })
	for _, figure := range []func(*Run) *float64{
		func(r *Run) *float64 { return &r.Seconds }, func(r *Run) *float64 { return &r.PerSecond },
		func(r *Run) *float64 { return &r.P50 }, func(r *Run) *float64 { return &r.P99 },
		func(r *Run) *float64 { return &r.UserCPU }, func(r *Run) *float64 { return &r.SystemCPU },
		func(r *Run) *float64 { return &r.DatabaseCPU }, func(r *Run) *float64 { return &r.ClientCPU },
	} {
		*figure(&middle) = median(runs, func(r Run) float64 { return *figure(&r) })
	}
	return middle, true
}

func median[T cmp.Ordered](runs []Run, figure func(Run) T) T {
	figures := make([]T, len(runs))
	for i, run := range runs {
		figures[i] = figure(run)
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// scenarios returns what was measured, in the order in which it was.
func (r *Report) scenarios() []string {
	var names []string
	for _, run := range r.Runs {
		if !slices.Contains(names, run.Scenario) {
			names = append(names, run.Scenario)
		}
	}
	return names
}

// concurrencies returns those of a scenario, least first.
func (r *Report) concurrencies(scenario string) []int {
	var all []int
	for _, run := range r.Runs {
		if run.Scenario == scenario {
			all = append(all, run.Concurrency)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
