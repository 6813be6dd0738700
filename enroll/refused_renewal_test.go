package enroll_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// Whoever has the key of one device fills no log by asking for what is refused: twenty
// times a minute one by one, and then by number. A suspicion is told among any number
// of them.
func TestADeviceRefusedOverAndOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := running(t)
		first, key := r.enrolled("SN1")
		ask := func(csr []byte) error {
			_, err := r.Issue(t.Context(), enroll.Request{Evidence: enroll.CertificateEvidence{DER: first.DER}, CSR: csr})
			return err
		}
		for range 70 {
			wantCode(t, ask([]byte("no CSR")), enroll.BadCSR)
		}
		if n := len(r.refusals()); n != 20 {
			t.Errorf("%d events of 70 refusals", n)
		}
		_, err := r.renew(first, key)
		check(t, err)
		for range 70 {
			wantCode(t, ask(csr(t, newKey(t))), enroll.CloneSuspected)
		}
		if n := r.count(enroll.RenewalForked); n != 20 {
			t.Errorf("%d events of 70 forks", n)
		}
		if r.device(first.Device).ForkedAt.IsZero() {
			t.Error("the device is not flagged")
		}
		time.Sleep(95 * time.Second)
		synctest.Wait()
		counts := map[enroll.Code]int{}
		for _, e := range r.refusals()[20:] {
			counts[e.Code] += e.Count
			if e.Actor != r.refusals()[0].Actor {
				t.Errorf("recorded %+v", e)
			}
		}
		if len(counts) != 2 || counts[enroll.BadCSR] != 50 || counts[enroll.CloneSuspected] != 50 {
			t.Errorf("counted %v", counts)
		}
	})
}

// A line's computer that is refused over and over fills no log either, and the order
// still says how often.
func TestAStationRefusedOverAndOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := running(t)
		order := r.order(1)
		_, err := r.vouch(order, "SN1", newKey(t))
		check(t, err)
		for range 70 {
			_, err := r.vouch(order, "SN2", newKey(t))
			wantCode(t, err, enroll.OrderFull)
		}
		if n := len(r.refusals()); n != 20 {
			t.Errorf("%d events of 70 refusals", n)
		}
		told, err := r.Order(t.Context(), r.admin, string(order.ID))
		check(t, err)
		if told.Refused[enroll.OrderFull] != 70 {
			t.Errorf("the order says %v", told.Refused)
		}
	})
}
