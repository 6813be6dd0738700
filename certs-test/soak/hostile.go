package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/touchmark/touchmark/certs-test/traffic"
)

// hostile sends something that is wrong, and wants to be told so.
func (s *soak) hostile(ctx context.Context, m *member) {
	est := "https://" + s.lab.Site.Nodes[0].Device + "/.well-known/est/simpleenroll"
	stranger := func(r *http.Request) { r.SetBasicAuth(fmt.Sprintf("nobody-%d", s.chance(1_000_000)), "guess") }
	wrongs := []struct {
		want string // statuses
		r    traffic.Request
	}{
		{"401 429", traffic.Request{Method: "POST", URL: est, MediaType: "application/pkcs10", Body: m.device.CSR, Set: stranger}},
		{"401 429", traffic.Request{Method: "POST", URL: est, MediaType: "application/pkcs10", Body: []byte("MIIB"), Set: stranger}},
		{"401", traffic.Request{Method: "POST", URL: est, MediaType: "application/pkcs10", Body: m.device.CSR}},
		{"404", traffic.Request{Method: "GET", URL: "https://" + s.lab.Site.Nodes[0].API + "/api/v1/../../etc/passwd"}},
		{"401", traffic.Request{Method: "GET", URL: "https://" + s.lab.Site.Nodes[0].API + "/api/v1/devices", Set: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }}},
		{"200 400", traffic.Request{Method: "POST", URL: "http://" + s.lab.Site.Nodes[0].Status + "/ocsp", MediaType: "application/ocsp-request", Body: []byte("0\x80garbage")}},
		{"413", traffic.Request{Method: "POST", URL: "http://" + s.lab.Site.Nodes[0].Status + "/ocsp", MediaType: "application/ocsp-request", Body: make([]byte, 8<<10)}},
		{"431", traffic.Request{Method: "GET", URL: "http://" + s.lab.Site.Nodes[0].Status + "/healthz", Set: func(r *http.Request) { r.Header.Set("X", strings.Repeat("x", 40<<10)) }}},
		{"400", traffic.Request{Method: "GET", URL: "http://" + s.lab.Site.Nodes[0].Device + "/"}},
	}
	w := wrongs[s.chance(len(wrongs))]
	sent := time.Now()
	answer := s.clients.Send(ctx, w.r)
	s.record.note(hostile, sent, answer, answer.Err == nil && strings.Contains(w.want, fmt.Sprint(answer.Status)))
}
