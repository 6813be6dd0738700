package metrics_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/metrics"
	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
	"github.com/touchmark/touchmark/enroll"
)

func TestMetrics(t *testing.T) {
	m := metrics.New()
	m.Step(enroll.StepSign, time.Millisecond, "")
	m.Step(enroll.StepIssue, time.Millisecond, enroll.OrderFull)
	m.Step(enroll.StepProve, time.Millisecond, enroll.OrderFull) // a step of the same refusal
	m.Count(enroll.CountIssued, 3)
	m.OCSP("answered")
	m.OCSPLookup()
	m.Request("device", 409)
	m.WatchIssuers(nil, "")
	m.WatchFollowing(func() time.Duration { return 1500 * time.Millisecond })

	m.Shed("device", "enrol")
	m.WatchAdmission(func() ([]admit.Load, int) {
		return []admit.Load{{Class: admit.Enrol, Running: 5, Waiting: 3, Parked: 1}}, 64
	})

	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(recorder.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`touchmark_step_duration_seconds_count{code="ok",step="sign"} 1`,
		`touchmark_step_duration_seconds_count{code="order_full",step="issue"} 1`,
		`touchmark_refusals_total{code="order_full"} 1`,
		`touchmark_events_total{event="certificates_issued"} 3`,
		`touchmark_ocsp_answers_total{outcome="answered"} 1`,
		`touchmark_ocsp_lookups_total 1`,
		`touchmark_http_requests_total{listener="device",status="409"} 1`,
		`touchmark_follow_lag_seconds 1.5`,
		`touchmark_shed_total{class="enrol",listener="device"} 1`,
		`touchmark_in_flight{class="enrol"} 5`,
		`touchmark_waiting{class="enrol"} 3`,
		`touchmark_parked{class="enrol"} 1`,
		`touchmark_places 64`,
		`go_goroutines `,
		`process_cpu_seconds_total `,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %s", want)
		}
	}
}
