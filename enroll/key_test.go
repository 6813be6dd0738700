package enroll_test

import (
	"crypto"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// moody is a key that can be made to hang or to fail.
type moody struct {
	crypto.Signer
	mu   sync.Mutex // guards hang and fail
	hang chan struct{}
	fail error
}

func (m *moody) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	m.mu.Lock()
	hang, fail := m.hang, m.fail
	m.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if fail != nil {
		return nil, fail
	}
	return m.Signer.Sign(rand, digest, opts)
}

func (m *moody) be(hang chan struct{}, fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hang, m.fail = hang, fail
}

// A key that hangs holds up a bounded number of requests for a bounded time,
// consumes nothing, and all goes on when it wakes.
func TestKeyHangs(t *testing.T) {
	key := &moody{}
	issuer := newIssuer(t, func(s crypto.Signer) crypto.Signer { key.Signer = s; return key })
	r := openRig(t, t.TempDir()+"/touchmark.db", issuer, func(c *enroll.Config) {
		c.Limits = enroll.Limits{Signatures: 2, SignatureWait: 50 * time.Millisecond}
	})
	order, device := r.order(1), newKey(t)
	ticket := r.ticket(order, "SN1")
	hang := make(chan struct{})
	key.be(hang, nil)
	for range 4 { // two hold the places, two find none
		_, err := r.enrol("SN1", ticket, device)
		wantCode(t, err, enroll.Unavailable)
	}
	key.be(nil, nil)
	close(hang)
	issued, err := r.enrol("SN1", ticket, device)
	check(t, err)
	if issued.Recalled {
		t.Error("something was recorded while the key hung")
	}
	if n := r.count(enroll.CertificateIssued); n != 1 {
		t.Errorf("%d certificates", n)
	}
}

func TestKeyFails(t *testing.T) {
	key := &moody{}
	r := openRig(t, t.TempDir()+"/touchmark.db", newIssuer(t, func(s crypto.Signer) crypto.Signer { key.Signer = s; return key }))
	order, device := r.order(1), newKey(t)
	ticket := r.ticket(order, "SN1")
	key.be(nil, errors.New("the token was pulled out"))
	_, err := r.enrol("SN1", ticket, device)
	if refusal := enroll.AsRefusal(err); refusal.Code != enroll.Unavailable || refusal.RetryAfter <= 0 || strings.Contains(refusal.Message, "token") {
		t.Errorf("a client is told %v", refusal)
	}
	if !errors.Is(err, ca.ErrNoSignature) {
		t.Errorf("the error does not say why: %v", err)
	}
	key.be(nil, nil)
	issued, err := r.enrol("SN1", ticket, device)
	check(t, err)
	if issued.Recalled || r.count(enroll.CertificateIssued) != 1 {
		t.Error("something was recorded while the key failed")
	}
}

// What is certain to be refused is refused before signing.
func TestRefusedBeforeSigning(t *testing.T) {
	key := &moody{}
	r := openRig(t, t.TempDir()+"/touchmark.db", newIssuer(t, func(s crypto.Signer) crypto.Signer { key.Signer = s; return key }))
	order := r.order(1)
	_, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	key.be(nil, errors.New("must not be asked"))
	_, err = r.vouch(order, "SN2", newKey(t))
	wantCode(t, err, enroll.OrderFull)
	_, err = r.vouch(order, "SN1", newKey(t))
	wantCode(t, err, enroll.CloneSuspected)
}

// A CRL is split before it can grow past 10,000 entries, and a small fleet's is
// not split at all.
func TestSplitBits(t *testing.T) {
	for n, want := range map[uint64]uint8{0: 0, 4_999: 0, 5_000: 1, 14_999: 1, 15_000: 2, 10_000_000: 10, 1 << 62: ca.MaxShardBits} {
		if got := enroll.SplitBits(n); got != want {
			t.Errorf("%d certificates: %d bits, want %d", n, got, want)
		}
	}
}
