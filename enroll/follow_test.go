package enroll_test

import (
	"encoding/json"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// record is an event as it stands in the log.
func record(tb testing.TB, event enroll.Event) []byte {
	tb.Helper()
	data, err := json.Marshal(event)
	check(tb, err)
	return audit.Leaf(7, data)
}

func TestWithdrawnBy(t *testing.T) {
	serial := ca.Serial{0x40, 1}
	withdraws := map[enroll.EventKind]bool{enroll.CertificateHeld: true, enroll.CertificateReleased: true, enroll.CertificateRevoked: true}
	for _, kind := range enroll.EventKinds() {
		got, ok, err := enroll.WithdrawnBy(record(t, enroll.Event{Kind: kind, Certificate: &serial}))
		if err != nil || ok != withdraws[kind] || ok && got != serial {
			t.Errorf("%s: %v %v %v", kind, got, ok, err)
		}
	}
	for name, data := range map[string]string{
		"members in another order": `{"certificate":"` + serial.String() + `","kind" : "certificate.revoked"}`,
	} {
		if got, ok, err := enroll.WithdrawnBy([]byte(data)); err != nil || !ok || got != serial {
			t.Errorf("%s: %v %v %v", name, got, ok, err)
		}
	}
	if _, _, err := enroll.WithdrawnBy([]byte(`{"kind":"certificate.revoked"`)); err == nil {
		t.Error("a record that is cut off was taken")
	}
}

// Whatever an event says besides, the quick look at its kind finds what reading
// all of it finds.
func FuzzWithdrawnBy(f *testing.F) {
	f.Add("certificate.revoked", "system", "", "", byte(1))
	f.Add("certificate.issued", `"kind":"certificate.revoked"`, "x", "TH20-SN1", byte(2))
	f.Add("device.enrolled", "person:1", `{"kind":"certificate.held"}`, "", byte(0))
	f.Add("certificate.issuedly", "", "", "", byte(3))
	f.Fuzz(func(t *testing.T, kind, actor, comment, device string, octet byte) {
		event := enroll.Event{Kind: enroll.EventKind(kind), Actor: actor, Comment: comment, Device: identity.DeviceID(device)}
		if octet > 0 {
			event.Certificate = &ca.Serial{0x40, octet}
		}
		data := record(t, event)
		var read enroll.Event
		check(t, json.Unmarshal(data, &read))
		want := read.Certificate != nil &&
			(read.Kind == enroll.CertificateHeld || read.Kind == enroll.CertificateReleased || read.Kind == enroll.CertificateRevoked)
		got, ok, err := enroll.WithdrawnBy(data)
		if err != nil || ok != want || ok && got != *event.Certificate {
			t.Errorf("%s: %v %v %v, want %v", data, got, ok, err, want)
		}
	})
}

// BenchmarkWithdrawnBy is what a record costs a follower besides reading it.
func BenchmarkWithdrawnBy(b *testing.B) {
	serial, key := ca.Serial{0x40, 1}, ca.KeyHash{1}
	for _, kind := range []enroll.EventKind{enroll.CertificateIssued, enroll.DeviceEnrolled, enroll.CertificateRevoked} {
		data := record(b, enroll.Event{
			Kind: kind, Actor: "device:TH20-SN1", Fleet: "/berlin/line-3", Device: "TH20-SN1", Certificate: &serial, Key: &key, Profile: "default",
		})
		b.Run(string(kind), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := enroll.WithdrawnBy(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
