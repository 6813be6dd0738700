package report_test

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/certs-test/bench/report"
)

// sample has three runs of two contenders, with the floor at 100, 300 and 200 µs.
func sample() *report.Report {
	r := &report.Report{Contenders: []string{report.Touchmark, report.Floor}, Settings: map[string]string{}}
	for i, cpu := range []float64{100, 300, 200} {
		r.Runs = append(r.Runs,
			report.Run{Scenario: report.EnrolKept, Concurrency: 64, Contender: report.Floor, UserCPU: cpu, PerSecond: 1000 + float64(i)},
			report.Run{Scenario: report.EnrolKept, Concurrency: 64, Contender: report.Touchmark, UserCPU: 250, PerSecond: 600},
		)
	}
	return r
}

func TestMedian(t *testing.T) {
	r := sample()
	run, found := r.Median(report.EnrolKept, 64, report.Floor)
	if !found || run.CPU() != 200 || run.PerSecond != 1001 {
		t.Errorf("median: %v, %+v", found, run)
	}
	if _, found := r.Median(report.EnrolKept, 1, report.Floor); found {
		t.Error("a median of nothing")
	}
}

func TestTargets(t *testing.T) {
	table := sample().TargetTable()
	for _, want := range []string{
		"server CPU at most 1.4 × floor | 1.25 × (250 to 200 µs) | met |",
		"throughput at least 0.7 × floor | 0.60 × (600 to 1001 a second) | **missed** |",
		"throughput at least 4.0 × step-ca on bbolt | not measured |  |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
}

func TestPlotIsXML(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(sample().Plot()))
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteKeepsWhatPeopleWrote(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "README.md")
	if err := sample().Write(dir); err == nil {
		t.Error("wrote without a README.md")
	}
	if err := os.WriteFile(page, []byte("above\n<!-- measured: begin -->\nstale\n<!-- measured: end -->\nbelow\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample().Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for want, is := range map[string]bool{"above\n": true, "below\n": true, "| 64 | floor | 1001 |": true, "stale": false} {
		if strings.Contains(string(text), want) != is {
			t.Errorf("%q in the page: %v", want, !is)
		}
	}
	read, err := report.Read(filepath.Join(dir, "results.json"))
	if err != nil || len(read.Runs) != 6 {
		t.Errorf("read back: %v", err)
	}
}
