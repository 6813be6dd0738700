package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
)

// statuses repeats the design's table, so that a slip in one of them shows.
var statuses = map[enroll.Code]int{
	enroll.BadRequest: 400, enroll.Unauthenticated: 401, enroll.Forbidden: 403, enroll.NotFound: 404,
	enroll.OrderFull: 409, enroll.OrderClosed: 409, enroll.CloneSuspected: 409, enroll.KeyInUse: 409,
	enroll.AlreadyEnrolled: 409, enroll.WrongState: 409, enroll.Conflict: 409, enroll.TooLarge: 413,
	enroll.BadCSR: 422, enroll.WeakKey: 422, enroll.RateLimited: 429, enroll.Unavailable: 503, enroll.Internal: 500,
}

func TestEveryCodeHasItsStatus(t *testing.T) {
	for _, code := range enroll.Codes() {
		want, listed := statuses[code]
		if got := problem.Status(code); !listed || got != want {
			t.Errorf("%s is %d, want %d", code, got, want)
		}
	}
	if len(statuses) != len(enroll.Codes()) {
		t.Errorf("the table has %d codes, enroll has %d", len(statuses), len(enroll.Codes()))
	}
	if got := problem.Status("invented"); got != 500 {
		t.Errorf("an unknown code is %d", got)
	}
}

func TestWrite(t *testing.T) {
	limited := enroll.Refuse(enroll.RateLimited, "wait")
	limited.RetryAfter = 1500 * time.Millisecond
	for name, c := range map[string]struct {
		err   error
		want  map[string]any
		retry string
	}{
		"field": {
			fmt.Errorf("create: %w", enroll.RefuseField("quantity", "a quantity is 1 to 10")),
			map[string]any{"title": "Bad Request", "status": 400., "code": "bad_request", "detail": "a quantity is 1 to 10", "field": "quantity"},
			"",
		},
		"retry, rounded up": {
			limited, map[string]any{"title": "Too Many Requests", "status": 429., "code": "rate_limited", "detail": "wait"}, "2",
		},
		"retry, not said": {
			enroll.Refuse(enroll.Unavailable, "later"),
			map[string]any{"title": "Service Unavailable", "status": 503., "code": "unavailable", "detail": "later"},
			"5",
		},
		"unknown errors tell nothing": {
			errors.New("password is hunter2"),
			map[string]any{"title": "Internal Server Error", "status": 500., "code": "internal"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			problem.From(enroll.WithRequestID(t.Context(), "r1"), c.err).Write(w)
			if strings.Contains(w.Body.String(), "hunter2") {
				t.Fatal("tells what it must not")
			}
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			c.want["type"], c.want["request_id"] = "about:blank", "r1"
			if c.want["detail"] == nil {
				c.want["detail"] = got["detail"]
			}
			if !reflect.DeepEqual(got, c.want) || float64(w.Code) != c.want["status"] {
				t.Errorf("%d %v, want %v", w.Code, got, c.want)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("Content-Type %q", ct)
			}
			if retry := w.Header().Get("Retry-After"); retry != c.retry {
				t.Errorf("Retry-After %q, want %q", retry, c.retry)
			}
		})
	}
}
