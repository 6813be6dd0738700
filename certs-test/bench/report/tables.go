package report

import (
	"fmt"
	"strings"
)

// Tables shows the medians, a table for each scenario, in Markdown.
func (r *Report) Tables() string {
	var b strings.Builder
	for _, scenario := range r.scenarios() {
		fmt.Fprintf(&b, "### %s\n\n", scenario)
		b.WriteString("| at once | server | operations/s | p50 ms | p99 ms | server CPU µs | user + system | database CPU µs | peak MB |\n")
		b.WriteString("|---:|---|---:|---:|---:|---:|---:|---:|---:|\n")
		for _, concurrency := range r.concurrencies(scenario) {
			for _, contender := range r.Contenders {
				if run, found := r.Median(scenario, concurrency, contender); found {
					b.WriteString(row(run))
				}
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String()) + "\n"
}

func row(run Run) string {
	database := "–"
	if run.DatabaseCPU > 0 {
		database = fmt.Sprintf("%.0f", run.DatabaseCPU)
	}
	return fmt.Sprintf("| %d | %s | %.0f | %.2f | %.2f | %.0f | %.0f + %.0f | %s | %d |\n",
		run.Concurrency, run.Contender, run.PerSecond, run.P50/1e3, run.P99/1e3,
		run.CPU(), run.UserCPU, run.SystemCPU, database, run.PeakMemory>>20)
}

// Setting tells where and how it was measured, in Markdown.
func (r *Report) Setting() string {
	m := r.Machine
	postgres := ""
	if m.PostgreSQL != "" {
		postgres = ", PostgreSQL " + m.PostgreSQL
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %d cores of %s, %d GB of memory, %s, Linux %s, %s%s. Load average in the minute before: %.1f; during the run other programs used %.0f %% of the processors",
		r.Began.Format("2006-01-02 15:04 MST"), m.Cores, m.Processor, m.Memory>>30, m.FileSystem, m.Kernel, m.Go, postgres, m.LoadBefore, 100*m.Others)
	if m.LoadBefore > quietLoad || m.Others > quietShare {
		b.WriteString(": **the machine was shared with other work**, so compare the servers with each other and not with other days")
	}
	fmt.Fprintf(&b, ". Medians of %s runs; a run ends after %s or %s operations (%s for hot OCSP); cold OCSP over %s certificates.\n",
		r.Settings["repeat"], r.Settings["for"], r.Settings["count"], r.Settings["questions"], r.Settings["cold"])
	return b.String()
}

// A machine counts as quiet up to this load average before the run, and this
// share of its processors used by others during it.
const (
	quietLoad  = 0.5
	quietShare = 0.05
)
