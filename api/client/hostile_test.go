package client_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/problem"
)

// FuzzAnswer lets any server answer: what it says is an order, a refusal, or told to
// be none of both, and it holds up nobody for more than a day.
func FuzzAnswer(f *testing.F) {
	type said struct {
		status                        int
		contentType, retryAfter, body string
	}
	answers := make(chan said, 1)
	c := dial(f, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a := <-answers
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Retry-After", a.retryAfter)
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	}), "token")
	f.Add(200, "application/json", "", `{"id": "o", "quantity": 1}`)
	f.Add(404, problem.ContentType, "", `{"code": "not_found", "status": 404, "detail": "\u001b[2J"}`)
	f.Add(503, problem.ContentType, "99999999999999999999", `{"code": "unavailable"}`)
	f.Add(202, "application/json", "-1", `{"id": "a", "state": "waiting"}`)
	f.Add(502, "text/html; a", "Fri, 31 Dec 1999 23:59:59 GMT", `<html>`)
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, body string) {
		if status < 200 || status > 599 || status >= 300 && status < 400 || status == 204 || status == 205 {
			return
		}
		answers <- said{status, contentType, retryAfter, body}
		order, err := c.Order(t.Context(), "o")
		select {
		case <-answers: // it was never asked
			t.Fatalf("not sent: %v", err)
		default:
		}
		var refused *problem.Problem
		switch {
		case err == nil && status >= 300:
			t.Errorf("%d %q is the order %+v", status, body, order)
		case errors.As(err, &refused) && (refused.Code == "" || refused.RetryAfter < 0 || refused.RetryAfter > 24*time.Hour):
			t.Errorf("%d %q is %+v", status, body, refused)
		}
	})
}
