package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
	"github.com/touchmark/touchmark/enroll"
)

// Alarmed is what knows of the alarms and of what they are about: enroll.Service.
type Alarmed interface {
	Alarms() []enroll.AlarmState
	Watched() enroll.Watched
	Clock() enroll.ClockReading
}

// WatchAlarms shows the alarms and the figures that they are about. It is called once.
func (m *Metrics) WatchAlarms(from Alarmed) { m.registry.MustRegister(alarmed{from}) }

// alarmed is a prometheus.Collector.
type alarmed struct{ from Alarmed }

// Describe implements prometheus.Collector.
func (a alarmed) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(a, to) }

// Collect implements prometheus.Collector.
func (a alarmed) Collect(to chan<- prometheus.Metric) {
	tell := func(name, help string, value float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value)
	}
	raised := prometheus.NewDesc("touchmark_alarm", "1 while an operator has to do something, 0 otherwise.", []string{"alarm"}, nil)
	for _, state := range a.from.Alarms() {
		to <- prometheus.MustNewConstMetric(raised, prometheus.GaugeValue, oneIf(state.Raised), string(state.Alarm))
	}
	clock := a.from.Clock()
	tell("touchmark_clock_offset_seconds", "What the machine's clock says more than the service's own time.", clock.Offset.Seconds())
	faulty := prometheus.NewDesc("touchmark_clock_fault", "1 for why the machine's clock is not believed.", []string{"fault"}, nil)
	for _, fault := range enroll.ClockFaults() {
		to <- prometheus.MustNewConstMetric(faulty, prometheus.GaugeValue, oneIf(fault == clock.Fault), string(fault))
	}
	found := a.from.Watched()
	tell("touchmark_crl_age_seconds", "How long ago the oldest CRL was signed.", found.CRLAge.Seconds())
	tell("touchmark_crl_left_seconds", "How long the CRL that ends first is still good.", found.CRLLeft.Seconds())
	tell("touchmark_log_unsequenced", "Batches of events that wait to be numbered.", float64(found.Unsequenced))
	tell("touchmark_log_unsequenced_seconds", "How long the oldest of them has waited.", found.UnsequencedFor.Seconds())
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Room shows how much room there is on a folder's disk, in octets, as it was last
// looked at.
func (m *Metrics) Room(folder string, free, size uint64) {
	m.free.WithLabelValues(folder).Set(float64(free))
	m.size.WithLabelValues(folder).Set(float64(size))
}

// OwnCertificate shows when a certificate of the server's own ends.
func (m *Metrics) OwnCertificate(name string, end time.Time) {
	m.own.WithLabelValues(name).Set(float64(end.Unix()))
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

// beginAtZero has what is counted be there before it was: an alert over what increases
// sees nothing where the first one brings the counter into being.
func (m *Metrics) beginAtZero() {
	for _, counter := range enroll.Counters() {
		m.events.WithLabelValues(string(counter))
	}
	for _, code := range enroll.Codes() {
		m.refusals.WithLabelValues(string(code))
	}
	for _, outcome := range []string{"answered", "malformed", "unauthorized", "try_later", "internal"} {
		m.ocsp.WithLabelValues(outcome)
	}
	for _, step := range []enroll.Step{enroll.StepProve, enroll.StepSign, enroll.StepRecord, enroll.StepIssue} {
		for _, code := range []string{"ok", string(enroll.Unavailable), string(enroll.Internal)} {
			m.steps.WithLabelValues(string(step), code)
		}
	}
	for _, outcome := range []ReloadOutcome{ReloadApplied, ReloadUnchanged, ReloadFailed} {
		m.reloads.WithLabelValues(string(outcome))
	}
	for _, listener := range []string{"device", "api", "status", "metrics"} {
		for _, status := range []string{"200", "500", "503"} {
			m.requests.WithLabelValues(listener, status)
		}
		for _, class := range admit.Classes() {
			m.shed.WithLabelValues(listener, class.String())
		}
	}
}
