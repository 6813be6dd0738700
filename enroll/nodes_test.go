package enroll_test

import (
	"crypto"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// begin waits until the bubble's time is within the rig's issuer's.
func begin(t *testing.T) {
	t.Helper()
	time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
}

// pass lets time go by, and everybody do what is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// What one node withdraws, all say within a second, by OCSP and by CRL.
func TestWithdrawnElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, _ := s.join(t, issuer)
		says := responder(t, b, nothing)
		run(t, a)
		run(t, b)
		current, _ := a.enrolled("SN1")
		for _, step := range []struct {
			action identity.Action
			want   int
			listed int
		}{{identity.Hold, ocsp.Revoked, 1}, {identity.Release, ocsp.Good, 0}, {identity.Revoke, ocsp.Revoked, 1}} {
			ask(t, says, issuer, current.Serial) // is kept
			a.act(current.Device, step.action, "")
			pass(time.Second)
			if got := ask(t, says, issuer, current.Serial); got != step.want {
				t.Errorf("%s: the other node says %d, want %d", step.action, got, step.want)
			}
			if n := len(b.revokedIn(current)); n != step.listed {
				t.Errorf("%s: %d entries in the CRL, want %d", step.action, n, step.listed)
			}
		}
		if lag := b.FollowLag(); lag > 2*time.Second {
			t.Errorf("the other node is %s behind", lag)
		}
	})
}

// An answer that read good before another node revoked is neither given nor kept
// once the revocation came by.
func TestFillDoesNotOutliveARevocationElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, _ := s.join(t, issuer)
		read, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		says := responder(t, b, func(ca.Serial) {
			once.Do(func() {
				close(read)
				<-goOn
			})
		})
		run(t, a)
		run(t, b)
		current, _ := a.enrolled("SN1")
		answer := make(chan int)
		go func() { answer <- ask(t, says, issuer, current.Serial) }()
		<-read
		a.act(current.Device, identity.Revoke, "keyCompromise")
		pass(time.Second) // which the other node learns meanwhile
		close(goOn)
		if got := <-answer; got != ocsp.Revoked {
			t.Errorf("the answer in the making says %d", got)
		}
		if got := ask(t, says, issuer, current.Serial); got != ocsp.Revoked {
			t.Errorf("the answer that was kept says %d", got)
		}
	})
}

// A node that cannot follow is told apart, goes on saying good for a minute, and
// no longer; what is revoked it says on. It catches up by itself.
func TestCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, cable := s.join(t, issuer)
		says := responder(t, b, nothing)
		run(t, a)
		run(t, b)
		good, _ := a.enrolled("SN1")
		changed, _ := a.enrolled("SN2")
		gone, _ := a.enrolled("SN3")
		a.act(gone.Device, identity.Revoke, "")
		pass(time.Second)
		for _, c := range []enroll.Issued{good, changed, gone} {
			ask(t, says, issuer, c.Serial)
		}
		cable.set(func(n *node) { n.cut = true })
		a.act(changed.Device, identity.Revoke, "")
		want := func(c enroll.Issued, want int) {
			t.Helper()
			if got := ask(t, says, issuer, c.Serial); got != want {
				t.Errorf("it says %d, want %d", got, want)
			}
		}
		pass(30 * time.Second)
		if b.FollowLag() <= enroll.MaxFollowLag {
			t.Error("it counts as ready")
		}
		want(good, ocsp.Good)
		want(gone, ocsp.Revoked)
		pass(31 * time.Second)
		want(good, ocsp.Unknown) // tryLater
		want(changed, ocsp.Unknown)
		want(gone, ocsp.Revoked)
		cable.set(func(n *node) { n.cut = false })
		want(good, ocsp.Good) // it waits until it has caught up
		want(changed, ocsp.Revoked)
		if b.FollowLag() > enroll.MaxFollowLag {
			t.Error("it does not count as ready")
		}
	})
}

// A record that is missing for a while is waited for, and nothing is passed over.
func TestGapIsWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, glasses := s.join(t, issuer)
		says := responder(t, b, nothing)
		run(t, b)
		current, _ := a.enrolled("SN1")
		pass(time.Second)
		ask(t, says, issuer, current.Serial)
		glasses.set(func(n *node) { n.hide = uint64(len(a.log())) })
		a.act(current.Device, identity.Revoke, "")
		a.enrolled("SN2")
		pass(2 * time.Second)
		glasses.set(func(n *node) { n.hide = 0 })
		pass(time.Second)
		if got := ask(t, says, issuer, current.Serial); got != ocsp.Revoked {
			t.Errorf("the revocation was passed over: %d", got)
		}
	})
}

// slowKey is a signer that waits when it is told to.
type slowKey struct {
	crypto.Signer
	mu   sync.Mutex // guards hold
	hold chan struct{}
}

func (k *slowKey) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	k.mu.Lock()
	hold := k.hold
	k.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return k.Signer.Sign(random, digest, o)
}

// A node that sleeps past its term, in the middle of publishing, publishes nothing
// when it wakes: another did meanwhile.
func TestSleeperPublishesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, _ := newSite(t)
		key := &slowKey{}
		issuer, slow := twins(t, func(signer crypto.Signer) crypto.Signer { key.Signer = signer; return key })
		a, sleeper := s.join(t, slow)
		run(t, a)
		pass(time.Second)
		if s.leader(enroll.TaskPublish) != sleeper {
			t.Fatal("the first node does not lead")
		}
		b, other := s.join(t, issuer)
		run(t, b)
		current, _ := b.enrolled("SN1")
		pass(time.Second)
		before := b.crlOf(current).Number.Uint64()
		wake := make(chan struct{})
		key.mu.Lock()
		key.hold = wake
		key.mu.Unlock()
		b.act(current.Device, identity.Hold, "")
		pass(time.Second / 2)
		if n := len(b.revokedIn(current)); n != 0 {
			t.Fatalf("%d entries in a CRL that nobody can have signed", n)
		}
		pass(enroll.LeadTerm + time.Second)
		if s.leader(enroll.TaskPublish) != other {
			t.Fatal("the other node has not taken over")
		}
		b.act(current.Device, identity.Release, "") // and the sleeper still holds a CRL with the entry
		pass(time.Second)
		awake := b.crlOf(current)
		close(wake)
		pass(time.Second / 2)
		if after := b.crlOf(current); after.Number.Cmp(awake.Number) != 0 || len(after.RevokedCertificateEntries) != 0 {
			t.Errorf("CRL %s with %d entries, want %s with none, as before it woke", after.Number, len(after.RevokedCertificateEntries), awake.Number)
		}
		if awake.Number.Uint64() < before+2 {
			t.Errorf("CRL number %s, want two more than %d", awake.Number, before)
		}
	})
}

// A node that does not lead makes a shard's first CRL where it is asked for one,
// and there is one first CRL.
func TestFirstCRLFromAnyNode(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, _ := s.join(t, issuer)
		check(t, a.PublishDue(t.Context())) // a leads now
		current, _ := b.enrolled("SN1")
		numbers := make(chan uint64, 8)
		for i := range cap(numbers) {
			go func() { numbers <- []*rig{a, b}[i%2].crlOf(current).Number.Uint64() }()
		}
		for range cap(numbers) {
			if n := <-numbers; n != 1 {
				t.Errorf("CRL number %d, want 1", n)
			}
		}
	})
}

// A node that lacks the key of an issuer, because it was not started again since
// that was installed, lets another publish.
func TestLacksAKey(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, first := newSite(t)
		second := newIssuer(t, nil)
		a, _ := s.join(t, first)
		run(t, a)
		pass(time.Second)
		b, other := s.join(t, second, func(c *enroll.Config) { c.Issuers = append(c.Issuers, first) })
		run(t, b)
		current, _ := b.enrolled("SN1")
		b.act(current.Device, identity.Revoke, "")
		pass(2*enroll.LeadTerm + 2*time.Second)
		if n := len(b.revokedIn(current)); n != 1 || s.leader(enroll.TaskPublish) != other {
			t.Errorf("%d entries in the CRL, want 1 by the node that has the key", n)
		}
	})
}

// Of several nodes one alone records that an issuer nears its end.
func TestOneAlarmForAllNodes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		end := time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
		time.Sleep(time.Until(end.Add(-49 * time.Hour)))
		s, issuer := newSite(t)
		var nodes []*rig
		for range 3 {
			r, _ := s.join(t, issuer)
			nodes = append(nodes, r)
		}
		for _, r := range nodes {
			run(t, r)
		}
		pass(time.Minute)
		if n := nodes[0].count(enroll.IssuerEnding); n != 1 {
			t.Errorf("%d alarms, want 1", n)
		}
	})
}

// Nodes count together how many certificates a shard has.
func TestNodesSplitTogether(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer)
		b, _ := s.join(t, issuer)
		run(t, a)
		run(t, b)
		current, _ := a.enrolled("SN1")
		key := enroll.ShardKey{Issuer: current.Issuer, Shard: current.Shard}
		for second := range uint64(100) { // each node issues 100 a second
			for _, r := range []*rig{a, b} {
				r.CountIssued(key, 100)
				if known := r.TotalOf(key); known+1_000 < 200*second {
					t.Errorf("a node knows of %d certificates of %d", known, 200*second)
				}
			}
			pass(time.Second)
		}
		pass(10 * time.Second)
		for name, r := range map[string]*rig{"a": a, "b": b} {
			if got := r.TotalOf(key); got != 20_001 {
				t.Errorf("%s counts %d, want 20,001", name, got)
			}
			if bits := r.ChooseShard(current.Serial, day).Bits(); bits != 0 {
				t.Errorf("%s splits by %d bits at once, before relying parties can have the CRLs", name, bits)
			}
		}
		pass(5 * time.Minute)
		late, _ := s.join(t, issuer)
		run(t, late)
		pass(time.Second)
		for name, r := range map[string]*rig{"a": a, "b": b, "one that has just begun": late} {
			if bits := r.ChooseShard(current.Serial, day).Bits(); bits != 2 {
				t.Errorf("%s splits by %d bits, want 2", name, bits)
			}
		}
	})
}
