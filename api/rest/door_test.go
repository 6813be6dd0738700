package rest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/enroll"
)

func TestTrace(t *testing.T) {
	r := newRig(t)
	request := r.request("admin", "GET", "/api/v1/devices?q=secret-query", nil)
	request.Header.Set("X-Request-Id", "chosen-by-the-client")
	answer := r.send(request)
	id := answer.Header().Get("X-Request-Id")
	if len(id) != 16 || id == "chosen-by-the-client" {
		t.Errorf("X-Request-Id: %q", id)
	}
	if answer.Header().Get("X-Content-Type-Options") != "nosniff" || answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", answer.Header())
	}
	var line m
	must0(t, json.Unmarshal([]byte(r.Door.Log.String()), &line))
	delete(line, "time")
	want := m{
		"level": "INFO", "msg": "request", "request": id, "method": "GET", "path": "/api/v1/devices", "status": 200.,
		"bytes": float64(answer.Body.Len()), "took": 0., "source": "192.0.2.1",
	}
	if !reflect.DeepEqual(line, want) {
		t.Errorf("logged %v, want %v", line, want)
	}
	events := r.call("auditor", "GET", "/api/v1/audit", nil).Body.String()
	r.call("security", "GET", "/api/v1/audit", nil).refused(t, 403, enroll.Forbidden)
	if after := r.call("auditor", "GET", "/api/v1/audit", nil).Body.String(); after == events || !strings.Contains(after, `"request":"`) {
		t.Error("the refusal is not in the audit log under its request's id")
	}
}

func TestTraceIsDoneOnce(t *testing.T) {
	r := newRig(t)
	r.handler = rest.Trace(rest.TraceConfig{Rand: r.Config.Rand, Clock: r.Config.Clock, Log: r.Config.Log}, r.handler)
	r.call("admin", "GET", "/api/v1/whoami", nil).want(t, 200)
	if n := strings.Count(r.Door.Log.String(), `"msg":"request"`); n != 1 {
		t.Errorf("%d lines for one request", n)
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t)
	handler := func(f http.HandlerFunc) http.Handler {
		return rest.Trace(rest.TraceConfig{Rand: r.Config.Rand, Clock: r.Config.Clock, Log: slog.New(slog.NewJSONHandler(&log, nil))}, f)
	}
	t.Run("before an answer", func(t *testing.T) {
		r.handler = handler(func(http.ResponseWriter, *http.Request) { panic("hunter2") })
		problem := r.call("", "GET", "/", nil).refused(t, 500, enroll.Internal)
		if strings.Contains(problem["detail"].(string), "hunter2") || !strings.Contains(log.String(), "hunter2") {
			t.Errorf("told %v, logged %s", problem, &log)
		}
	})
	t.Run("within an answer", func(t *testing.T) {
		server := httptest.NewServer(handler(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half"))
			panic(errors.New("late"))
		}))
		defer server.Close()
		response, err := server.Client().Get(server.URL)
		if err == nil {
			response.Body.Close()
			t.Error("the answer looks whole")
		}
	})
}

func TestDocument(t *testing.T) {
	r := newRig(t)
	answer := r.call("", "GET", "/openapi.json", nil)
	document := answer.want(t, 200)
	if document["openapi"] != "3.1.0" || document["info"].(m)["version"] != "1.2.3" {
		t.Errorf("the document is %v %v", document["openapi"], document["info"])
	}
	for _, unwanted := range []string{"$schema", "ErrorModel", "unpkg"} {
		if strings.Contains(answer.Body.String(), unwanted) {
			t.Errorf("the document speaks of %s", unwanted)
		}
	}
	for path, item := range document["paths"].(m) {
		for method, operation := range item.(m) {
			responses := operation.(m)["responses"].(m)
			for status, response := range responses {
				if response.(m)["content"] == nil && status != "204" { // which holds nothing
					t.Errorf("%s %s does not say what %s holds", method, path, status)
				}
			}
			if responses["default"] == nil || operation.(m)["operationId"] == "" || operation.(m)["summary"] == "" {
				t.Errorf("%s %s lacks an id, a summary or its refusals", method, path)
			}
		}
	}
	if body := r.call("admin", "GET", "/api/v1/whoami", nil); strings.Contains(body.Body.String(), "$schema") || body.Header().Get("Link") != "" {
		t.Error("answers point to schemas")
	}
}

// TestDeviceListener enrols a gateway, which then vouches for a device with its
// certificate.
func TestDeviceListener(t *testing.T) {
	r := newRig(t)
	key := resttest.NewKey(t)
	gateway := r.call("break-glass", "POST", "/api/v1/orders/"+r.order()+"/devices", m{"serial": "GW1", "csr": resttest.CSR(t, key)}).want(t, 201)
	chain := must(tls.X509KeyPair([]byte(gateway["chain"].(string)), keyPEM(t, key)))(t)
	order := r.call("admin", "POST", "/api/v1/orders", m{"fleet": "/berlin", "model": "TH20", "quantity": 1, "stations": []string{"device:TH20-GW1"}}).want(t, 201)["id"].(string)

	api := r.handler
	r.handler = rest.EnrolHandler(r.Config)
	post := func(change func(*http.Request)) reply {
		request := r.request("", "POST", "/api/v1/orders/"+order+"/devices", m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))})
		request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{must(x509.ParseCertificate(chain.Certificate[0]))(t)}}
		change(request)
		return r.send(request)
	}
	stranger := must(x509.ParseCertificate(chain.Certificate[1]))(t)
	post(func(r *http.Request) { r.TLS = nil }).refused(t, 401, enroll.Unauthenticated)
	post(func(r *http.Request) { r.TLS.PeerCertificates = []*x509.Certificate{stranger} }).refused(t, 401, enroll.Unauthenticated)
	post(func(r *http.Request) { r.Header.Set("Authorization", "Bearer nobody") }).refused(t, 403, enroll.Forbidden)
	if enrolled := post(func(*http.Request) {}).want(t, 201); enrolled["device"] != "TH20-SN1" {
		t.Errorf("enrolled %v", enrolled)
	}
	r.call("admin", "GET", "/api/v1/whoami", nil).refused(t, 404, enroll.NotFound)
	r.call("admin", "GET", "/openapi.json", nil).refused(t, 404, enroll.NotFound)

	r.handler = api
	r.call("security", "POST", "/api/v1/devices/TH20-GW1/hold", nil).want(t, 200)
	r.handler = rest.EnrolHandler(r.Config)
	post(func(*http.Request) {}).refused(t, 401, enroll.Unauthenticated)

	r.handler = api
	request := r.request("", "GET", "/api/v1/whoami", nil)
	request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{stranger}}
	r.send(request).refused(t, 401, enroll.Unauthenticated)
}

func FuzzEnrol(f *testing.F) {
	r := newRig(f)
	order := r.order()
	f.Add("SN1", resttest.CSR(f, resttest.NewKey(f)))
	f.Add("SN1", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")
	f.Add("SN 1", "")
	for _, p := range payload.CSRs() {
		f.Add("SN1", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: p.Bytes})))
	}
	f.Fuzz(func(t *testing.T, serial, csr string) {
		r := r.within(t)
		answer := r.call("station", "POST", "/api/v1/orders/"+order+"/devices", m{"serial": serial, "csr": csr})
		switch answer.Code {
		case 200, 201:
			if answer.json["device"] != "TH20-"+serial {
				t.Errorf("%q became %v", serial, answer.json["device"])
			}
		case 400, 409, 422:
		default:
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}

func FuzzOrderBody(f *testing.F) {
	r := newRig(f)
	path := "/api/v1/orders/" + r.order()
	f.Add(`{"quantity": 11, "opens": null, "closes": "2031-01-01T00:00:00Z", "stations": ["device:GW-1"]}`)
	f.Add(`{"quantity": -1}`)
	f.Add(`[]`)
	for _, p := range payload.JSON() {
		f.Add(string(p.Bytes))
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := r.within(t)
		answer := r.call("admin", "PATCH", path, body)
		if answer.Code != 200 && answer.Code != 400 && answer.Code != 409 {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}
