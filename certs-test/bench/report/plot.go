package report

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Measures of the plot, in pixels.
const (
	plotWidth  = 860
	labelWidth = 180
	valueWidth = 150
	barHeight  = 15
	barGap     = 4
	groupGap   = 40
	topMargin  = 70
)

// Plot draws, for each scenario at its highest concurrency, the server's CPU for
// one operation as a bar, with the throughput beside it. The database's part is
// lighter.
func (r *Report) Plot() string {
	var b strings.Builder
	scale := float64(plotWidth-labelWidth-valueWidth) / r.longest()
	y := topMargin
	for _, scenario := range r.scenarios() {
		concurrency := slices.Max(r.concurrencies(scenario))
		fmt.Fprintf(&b, `<text x="10" y="%d" font-weight="bold">%s, %d at once</text>`+"\n", y, html.EscapeString(scenario), concurrency)
		y += 10
		for _, contender := range r.Contenders {
			if run, found := r.Median(scenario, concurrency, contender); found {
				b.WriteString(bar(run, y, scale))
				y += barHeight + barGap
			}
		}
		y += groupGap - 10
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12" fill="#222">`, plotWidth, y-10)
	return head + "\n" + fmt.Sprintf(`<rect width="%d" height="%d" fill="#fff"/>`, plotWidth, y-10) + "\n" +
		`<text x="10" y="24" font-size="16" font-weight="bold">Server CPU for one operation, in microseconds</text>` + "\n" +
		`<text x="10" y="42">shorter is better; operations per second on the right; the database's share is lighter</text>` + "\n" +
		b.String() + "</svg>\n"
}

// longest is the highest CPU of any bar, in microseconds.
func (r *Report) longest() float64 {
	most := 1.0
	for _, scenario := range r.scenarios() {
		for _, contender := range r.Contenders {
			if run, found := r.Median(scenario, slices.Max(r.concurrencies(scenario)), contender); found {
				most = max(most, run.CPU()+run.DatabaseCPU)
			}
		}
	}
	return most
}

func bar(run Run, y int, scale float64) string {
	colour := "#9aa5b1"
	switch run.Contender {
	case Touchmark, TouchmarkPostgres:
		colour = "#0b6e4f"
	case Floor:
		colour = "#444"
	}
	own, database := run.CPU()*scale, run.DatabaseCPU*scale
	text := fmt.Sprintf("%.0f µs, %.0f/s", run.CPU(), run.PerSecond)
	if run.DatabaseCPU > 0 {
		text = fmt.Sprintf("%.0f + %.0f µs, %.0f/s", run.CPU(), run.DatabaseCPU, run.PerSecond)
	}
	baseline := y + barHeight - 3
	return fmt.Sprintf(`<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, baseline, html.EscapeString(run.Contender)) +
		fmt.Sprintf(`<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth, y, own, barHeight, colour) +
		fmt.Sprintf(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" opacity="0.45"/>`, labelWidth+own, y, database, barHeight, colour) +
		fmt.Sprintf(`<text x="%.1f" y="%d">%s</text>`, labelWidth+own+database+6, baseline, text) + "\n"
}
