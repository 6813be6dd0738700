// Package metrics shows Prometheus what the service does:
//
//	touchmark_step_duration_seconds{step,code}   each step of the one path; code is ok or the refusal's
//	touchmark_refusals_total{code}               requests for certificates that were refused
//	touchmark_events_total{event}                what is counted: certificates issued, CRLs published, …
//	touchmark_ocsp_answers_total{outcome}        OCSP answers: answered, or the OCSP error
//	touchmark_ocsp_lookups_total                 of them, certificates that the cache of answers did not hold
//	touchmark_http_requests_total{listener,status}
//	touchmark_shed_total{listener,class}         requests turned away by 503, and handshakes ended, for want of a place
//	touchmark_in_flight{class}, touchmark_waiting{class}, touchmark_parked{class}, touchmark_places
//	touchmark_issuer_not_after_timestamp_seconds{issuer,issuing}
//	touchmark_config_reloads_total{outcome}      readings of the configuration on SIGHUP
//	touchmark_config_restart_keys                changed keys that wait for a restart
//	touchmark_issuing_key_up{issuer}             0 while a token, a TPM or a KMS does not sign
//	touchmark_follow_lag_seconds                 since when nothing is known of the other nodes
//	touchmark_alarm{alarm}                       1 while an operator has to do something
//	touchmark_clock_offset_seconds               what the machine's clock says more than the service's own time
//	touchmark_clock_fault{fault}                 1 for why the machine's clock is not believed
//	touchmark_crl_age_seconds                    how long ago the oldest CRL was signed
//	touchmark_crl_left_seconds                   how long the CRL that ends first is still good
//	touchmark_log_unsequenced                    batches of events that wait to be numbered
//	touchmark_log_unsequenced_seconds            how long the oldest of them has waited
//	touchmark_disk_free_bytes{folder}            room on the disk of the store's file and of the archive
//	touchmark_disk_size_bytes{folder}
//	touchmark_own_certificate_not_after_timestamp_seconds{certificate}
//
// and what Go and the process say of themselves.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/touchmark/touchmark/enroll"
)

// Metrics is an enroll.Observer. Its methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry
	steps    *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	events   *prometheus.CounterVec
	ocsp     *prometheus.CounterVec
	lookups  prometheus.Counter
	requests *prometheus.CounterVec
	issuers  *watchedIssuers
	reloads  *prometheus.CounterVec
	waiting  prometheus.Gauge

	free, size *prometheus.GaugeVec // by folder
	own        *prometheus.GaugeVec // by certificate
	shed       *prometheus.CounterVec
}

var _ enroll.Observer = (*Metrics)(nil)

// New makes an empty set of metrics with a registry of its own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchmark_step_duration_seconds", Help: "Duration of each step of the path.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2.5, 13), // 100 µs to 6 s
		}, []string{"step", "code"}),
		refusals: counter("touchmark_refusals_total", "Requests for certificates that were refused, by code.", "code"),
		events:   counter("touchmark_events_total", "Things that happened, by kind.", "event"),
		ocsp:     counter("touchmark_ocsp_answers_total", "OCSP answers, by outcome.", "outcome"),
		lookups: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchmark_ocsp_lookups_total", Help: "Certificates whose status was looked up, because no answer was kept.",
		}),
		requests: counter("touchmark_http_requests_total", "HTTP requests by listener and status.", "listener", "status"),
		issuers:  newWatchedIssuers(),
		reloads:  counter("touchmark_config_reloads_total", "Readings of the configuration on SIGHUP, by outcome.", "outcome"),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "touchmark_config_restart_keys", Help: "Changed keys of the configuration that wait for a restart.",
		}),
		free: gauge("touchmark_disk_free_bytes", "Room on the folder's disk, as it was last looked at.", "folder"),
		size: gauge("touchmark_disk_size_bytes", "Size of the folder's disk.", "folder"),
		own:  gauge("touchmark_own_certificate_not_after_timestamp_seconds", "When a certificate of the server's own ends, in seconds since 1970.", "certificate"),
		shed: counter("touchmark_shed_total", "Requests turned away by 503, and TLS handshakes ended, because more is asked for than can be done.", "listener", "class"),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.steps, m.refusals, m.events, m.ocsp, m.lookups, m.requests, m.issuers, m.reloads, m.waiting, m.shed, m.free, m.size, m.own,
	)
	m.beginAtZero()
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Step implements enroll.Observer.
func (m *Metrics) Step(step enroll.Step, took time.Duration, code enroll.Code) {
	outcome := "ok"
	if code != "" {
		outcome = string(code)
		if step == enroll.StepIssue {
			m.refusals.WithLabelValues(outcome).Inc()
		}
	}
	m.steps.WithLabelValues(string(step), outcome).Observe(took.Seconds())
}

// Count implements enroll.Observer.
func (m *Metrics) Count(event enroll.Counter, n int) {
	m.events.WithLabelValues(string(event)).Add(float64(n))
}

// OCSP counts one OCSP answer. The outcomes are a small closed set.
func (m *Metrics) OCSP(outcome string) { m.ocsp.WithLabelValues(outcome).Inc() }

// OCSPLookup counts one certificate whose status had to be looked up.
func (m *Metrics) OCSPLookup() { m.lookups.Inc() }

// Request counts one HTTP request.
func (m *Metrics) Request(listener string, status int) {
	m.requests.WithLabelValues(listener, strconv.Itoa(status)).Inc()
}

// ReloadOutcome is what came of a signal to read the configuration again.
type ReloadOutcome string

// Every outcome.
const (
	ReloadApplied   ReloadOutcome = "applied"   // what changed holds now
	ReloadUnchanged ReloadOutcome = "unchanged" // nothing had changed
	ReloadFailed    ReloadOutcome = "failed"    // something is wrong, and nothing was changed
)

// Reload counts one reading of the configuration, and shows how many of its keys wait
// for a restart; a failed one does not know that.
func (m *Metrics) Reload(outcome ReloadOutcome, waiting int) {
	m.reloads.WithLabelValues(string(outcome)).Inc()
	if outcome != ReloadFailed {
		m.waiting.Set(float64(waiting))
	}
}

// WatchFollowing shows how far the node is behind the others. It is called once.
func (m *Metrics) WatchFollowing(lag func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "touchmark_follow_lag_seconds",
		Help: "How long ago it was last known what other nodes had withdrawn; 0 for a store without other nodes.",
	}, func() float64 { return lag().Seconds() }))
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
