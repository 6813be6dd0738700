package est_test

import (
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// An enrolment that waits for a second person is 202 with Retry-After (RFC 7030,
// section 4.2.3) as often as the device asks, and its certificate once somebody other
// than whoever drew the ticket has approved.
func TestEnrolmentThatWaits(t *testing.T) {
	l := newLine(t)
	drawer := resttest.Principal(identity.Admin)
	other := drawer
	other.Subject = "another"
	_, err := l.service.SetFleetPolicy(t.Context(), drawer, "/berlin", policy.Config{Approval: []policy.Subject{policy.SubjectEnrolment}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	key, ticket := resttest.NewKey(t), l.ticket("SN1")
	var request string
	for range 2 {
		r := post("/.well-known/est/simpleenroll", csrOf(t, key))
		r.SetBasicAuth("SN1", ticket)
		answer := serve(l.door, r)
		body := readAll(t, answer)
		if answer.StatusCode != 202 || answer.Header.Get("Retry-After") != "60" || answer.ContentLength != int64(len(body)) {
			t.Fatalf("status %d, headers %v, body %q", answer.StatusCode, answer.Header, body)
		}
		if answer.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("the body is %s", answer.Header.Get("Content-Type"))
		}
		words := strings.Fields(body)
		if len(words) < 3 || request != "" && words[2] != request {
			t.Fatalf("says %q, and request %s was waiting", body, request)
		}
		request = words[2]
	}
	// The ticket is not spent: nobody else's key is let in meanwhile.
	if status, _ := l.enrol("/.well-known/est", "SN1", "wrong", key); status != 401 {
		t.Errorf("a wrong ticket: %d, want 401", status)
	}
	_, err = l.service.Approve(t.Context(), drawer, request, "")
	if enroll.AsRefusal(err).Code != enroll.Forbidden {
		t.Errorf("whoever drew the ticket approves: %v", err)
	}
	if _, err := l.service.Approve(t.Context(), other, request, ""); err != nil {
		t.Fatal(err)
	}
	status, certificate := l.enrol("/.well-known/est", "SN1", ticket, key)
	if status != 200 || certificate.Subject.CommonName != "TH20-SN1" {
		t.Errorf("approved, and answered %d %v", status, certificate)
	}
	if status, _ := l.enrol("/.well-known/est", "SN1", ticket, resttest.NewKey(t)); status != 409 {
		t.Errorf("another key: %d, want 409", status)
	}
}

// A denied enrolment is refused, and says so.
func TestEnrolmentThatWasDenied(t *testing.T) {
	l := newLine(t)
	other := resttest.Principal(identity.Admin)
	other.Subject = "another"
	_, err := l.service.SetFleetPolicy(t.Context(), other, "/berlin", policy.Config{Approval: []policy.Subject{policy.SubjectEnrolment}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	key, ticket := resttest.NewKey(t), l.ticket("SN1")
	if status, _ := l.enrol("/.well-known/est", "SN1", ticket, key); status != 202 {
		t.Fatalf("status %d, want 202", status)
	}
	waiting, err := l.service.Approvals(t.Context(), other, true, enroll.Page{Limit: 10})
	if err != nil || len(waiting.Items) != 1 {
		t.Fatalf("%v waits, %v", waiting.Items, err)
	}
	if _, err := l.service.Deny(t.Context(), other, string(waiting.Items[0].ID), "unknown device"); err != nil {
		t.Fatal(err)
	}
	if status, _ := l.enrol("/.well-known/est", "SN1", ticket, key); status != 403 {
		t.Errorf("status %d, want 403", status)
	}
}
