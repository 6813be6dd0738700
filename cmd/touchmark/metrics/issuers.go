package metrics

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/touchmark/touchmark/ca"
)

// watchedIssuers is a prometheus.Collector of the issuers of now.
type watchedIssuers struct {
	now      atomic.Pointer[issuersNow]
	ends, up *prometheus.Desc
}

type issuersNow struct {
	all     []*ca.Issuer
	issuing string
}

func newWatchedIssuers() *watchedIssuers {
	return &watchedIssuers{
		ends: prometheus.NewDesc("touchmark_issuer_not_after_timestamp_seconds", "When the issuer's chain ends, in seconds since 1970.", []string{"issuer", "issuing"}, nil),
		up:   prometheus.NewDesc("touchmark_issuing_key_up", "1 while the issuer's key is known to sign, 0 while it cannot be used.", []string{"issuer"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (w *watchedIssuers) Describe(to chan<- *prometheus.Desc) {
	to <- w.ends
	to <- w.up
}

// Collect implements prometheus.Collector.
func (w *watchedIssuers) Collect(to chan<- prometheus.Metric) {
	now := w.now.Load()
	if now == nil {
		return
	}
	for _, issuer := range now.all {
		id, up := issuer.ID(), 1.0
		if issuer.KeyHealth() != nil {
			up = 0
		}
		to <- prometheus.MustNewConstMetric(w.ends, prometheus.GaugeValue, float64(issuer.NotAfter().Unix()), id, strconv.FormatBool(id == now.issuing))
		to <- prometheus.MustNewConstMetric(w.up, prometheus.GaugeValue, up, id)
	}
}

// WatchIssuers shows when each issuer ends, and whether its key signs; those of an
// earlier call are shown no more.
func (m *Metrics) WatchIssuers(issuers []*ca.Issuer, issuing string) {
	m.issuers.now.Store(&issuersNow{all: issuers, issuing: issuing})
}
