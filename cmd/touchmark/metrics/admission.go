package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
)

// Shed counts one request, or handshake, that was turned away for want of a place.
func (m *Metrics) Shed(listener, class string) { m.shed.WithLabelValues(listener, class).Inc() }

// WatchAdmission shows who has places, who waits for one, and how many there are. It
// is called once.
func (m *Metrics) WatchAdmission(loads func() ([]admit.Load, int)) {
	described := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	m.registry.MustRegister(&admission{
		loads:   loads,
		running: described("touchmark_in_flight", "Requests and TLS handshakes that are worked on.", "class"),
		waiting: described("touchmark_waiting", "Requests and TLS handshakes that wait for a place.", "class"),
		parked:  described("touchmark_parked", "Requests that have begun and wait for their client's bytes.", "class"),
		places:  described("touchmark_places", "Places for what is worked on at once, as the machine allows now."),
	})
}

// admission is a prometheus.Collector.
type admission struct {
	loads                            func() ([]admit.Load, int)
	running, waiting, parked, places *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (a *admission) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{a.running, a.waiting, a.parked, a.places} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (a *admission) Collect(to chan<- prometheus.Metric) {
	loads, places := a.loads()
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	gauge(a.places, places)
	for _, load := range loads {
		gauge(a.running, load.Running, load.Class.String())
		gauge(a.waiting, load.Waiting, load.Class.String())
		gauge(a.parked, load.Parked, load.Class.String())
	}
}
