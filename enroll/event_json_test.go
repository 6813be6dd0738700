package enroll_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// sameJSON compares an event's JSON with what encoding/json makes of it.
func sameJSON(t *testing.T, event enroll.Event) {
	t.Helper()
	want, err := json.Marshal(event)
	check(t, err)
	got, err := event.JSON()
	check(t, err)
	if string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Each member alone, and all of them, are written as encoding/json writes them,
// whatever is in them: a member that was added to Event and not to its JSON is seen.
func TestEventJSON(t *testing.T) {
	policy, faults := policy.Review(policy.Config{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	fill := func(field reflect.Value, text string) {
		switch field.Interface().(type) {
		case time.Time:
			field.Set(reflect.ValueOf(time.Date(2026, 11, 22, 12, 0, 0, 120_000_000, time.UTC)))
		case *time.Time:
			field.Set(reflect.ValueOf(new(time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("", 3600)))))
		case *ca.Serial:
			field.Set(reflect.ValueOf(&ca.Serial{0x40, 0xAB}))
		case *ca.KeyHash:
			field.Set(reflect.ValueOf(&ca.KeyHash{0xAB, 0xCD}))
		case []string:
			field.Set(reflect.ValueOf([]string{text, ""}))
		case []identity.Permission:
			field.Set(reflect.ValueOf([]identity.Permission{identity.DeviceRead}))
		case int:
			field.SetInt(-7)
		default:
			if field.Kind() != reflect.String {
				field.Set(reflect.ValueOf(&policy))
				return
			}
			field.SetString(text)
		}
	}
	for name, text := range map[string]string{
		"plain": "line 3, #7/~", "quotes": `a "quoted" \ text`, "markup": "<b>&</b>", "control": "a\x00\n\t\x1f\x7f", "other scripts": "Zürich 東京 \u2028",
		"not UTF-8": "a\xffb", "long": strings.Repeat("x", 4096), "spoofed member": `x","grant":"y`,
	} {
		t.Run(name, func(t *testing.T) {
			var all enroll.Event
			for i := range reflect.TypeFor[enroll.Event]().NumField() {
				var one enroll.Event
				fill(reflect.ValueOf(&one).Elem().Field(i), text)
				fill(reflect.ValueOf(&all).Elem().Field(i), text)
				sameJSON(t, one)
			}
			sameJSON(t, all)
		})
	}
	sameJSON(t, enroll.Event{})
	_, err := (&enroll.Event{Time: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}).JSON()
	if err == nil {
		t.Error("a time that RFC 3339 cannot write is written")
	}
}

// BenchmarkEvent writes what an enrolment tells.
func BenchmarkEvent(b *testing.B) {
	r := newRig(b)
	issued, _ := r.enrolled("SN1")
	events := r.log()
	event := events[len(events)-1]
	if event.Certificate == nil || *event.Certificate != issued.Certificate.Serial {
		b.Fatal("the last event is another")
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := event.JSON()
		check(b, err)
	}
}
