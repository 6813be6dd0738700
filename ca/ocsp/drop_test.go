package ocsp_test

import (
	"context"
	"crypto"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
)

func revoked(l *lab) ocsp.Status {
	return ocsp.Status{Revoked: true, RevokedAt: l.pki.Now, Reason: ca.KeyCompromise}
}

func TestDropTakesEffectAtOnce(t *testing.T) {
	l := newLab(t, nil)
	serial, neighbour := l.good(t), l.good(t)
	by := func(hash crypto.Hash, s ca.Serial) []byte {
		return (&ocsp.Request{CertIDs: []ocsp.CertID{ocsp.NewCertID(hash, l.issuer, s)}}).Marshal()
	}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		l.ask(t, by(hash, serial), serial)
		l.ask(t, by(hash, neighbour), neighbour)
	}
	l.set(serial, revoked(l))
	l.Drop(serial)
	l.lookups.Store(0)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		if parsed, _ := l.ask(t, by(hash, serial), serial); parsed.Status != xocsp.Revoked {
			t.Errorf("%s: status is %d after Drop", hash, parsed.Status)
		}
		if parsed, _ := l.ask(t, by(hash, neighbour), neighbour); parsed.Status != xocsp.Good {
			t.Errorf("%s: the neighbour's status is %d", hash, parsed.Status)
		}
	}
	if got := l.lookups.Load(); got != 2 {
		t.Errorf("%d lookups, want 2: the neighbour's answers were dropped too", got)
	}
}

func TestDropOfMany(t *testing.T) {
	l := newLab(t, nil)
	serials := []ca.Serial{l.good(t)}
	for range 5000 {
		serials = append(serials, newSerial(t))
	}
	last := l.good(t)
	serials = append(serials, last)
	l.ask(t, l.request(nil, last), last)
	l.set(last, revoked(l))
	l.Drop(serials...)
	if parsed, _ := l.ask(t, l.request(nil, last), last); parsed.Status != xocsp.Revoked {
		t.Errorf("status is %d", parsed.Status)
	}
}

// An answer is in the making, from the old status, when the status changes: it
// must be neither served nor kept.
func TestDropReachesAnswersInTheMaking(t *testing.T) {
	for name, nonce := range map[string][]byte{"kept": nil, "with a nonce": []byte("nonce")} {
		t.Run(name, func(t *testing.T) {
			reached, proceed := make(chan struct{}), make(chan struct{})
			l := newLab(t, func(l *lab, _ *ocsp.Config) {
				var once sync.Once
				l.onLookup = func(ca.Serial) {
					once.Do(func() { // the first lookup has read good and is held up
						close(reached)
						<-proceed
					})
				}
			})
			serial := l.good(t)
			answer := make(chan ocsp.Response)
			go func() {
				response, err := l.Respond(context.Background(), l.request(nonce, serial))
				if err != nil {
					t.Error(err)
				}
				answer <- response
			}()
			<-reached
			l.set(serial, revoked(l))
			l.Drop(serial)
			close(proceed)
			if parsed := l.read(t, <-answer, serial); parsed.Status != xocsp.Revoked {
				t.Errorf("the answer in the making says %d", parsed.Status)
			}
			if parsed, _ := l.ask(t, l.request(nil, serial), serial); parsed.Status != xocsp.Revoked {
				t.Errorf("the cache says %d", parsed.Status)
			}
		})
	}
}

// Who asks after Drop has returned never sees the old status, whatever else is
// going on.
func TestDropIsRaceFree(t *testing.T) {
	l := newLab(t, nil)
	var serials []ca.Serial
	for range 4 {
		serials = append(serials, l.good(t))
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 0))
			for {
				select {
				case <-stop:
					return
				default:
				}
				var nonce []byte
				if random.IntN(4) == 0 {
					nonce = []byte{1}
				}
				if _, err := l.Respond(context.Background(), l.request(nonce, serials[random.IntN(len(serials))])); err != nil && !errors.Is(err, ocsp.ErrTryLater) {
					t.Error(err)
				}
			}
		})
	}
	var writers sync.WaitGroup
	for _, serial := range serials {
		writers.Go(func() {
			for i := range 100 {
				status, want := ocsp.Status{}, xocsp.Good
				if i%2 == 0 {
					status, want = revoked(l), xocsp.Revoked
				}
				l.set(serial, status)
				l.Drop(serial)
				if parsed, _ := l.ask(t, l.request(nil, serial), serial); parsed.Status != want {
					t.Errorf("status is %d after Drop, want %d", parsed.Status, want)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

func TestStatusThatNeverSettles(t *testing.T) {
	l := newLab(t, func(l *lab, _ *ocsp.Config) { l.onLookup = func(s ca.Serial) { l.Drop(s) } })
	serial := l.good(t)
	if response, err := l.Respond(t.Context(), l.request(nil, serial)); !errors.Is(err, ocsp.ErrTryLater) {
		t.Errorf("answer is %+v, %v; want ErrTryLater", response, err)
	}
}

func TestOneSignatureForManyWhoAskAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		l := newLab(t, func(l *lab, _ *ocsp.Config) { l.onLookup = func(ca.Serial) { <-proceed } })
		serial := l.good(t)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if parsed, _ := l.ask(t, l.request(nil, serial), serial); parsed.Status != xocsp.Good {
					t.Errorf("status is %d", parsed.Status)
				}
			})
		}
		synctest.Wait() // one is in Lookup, the others wait for it
		close(proceed)
		all.Wait()
		if got := l.lookups.Load(); got != 1 {
			t.Errorf("%d lookups for one cold serial number", got)
		}
		if got := l.certified.Load(); got != 1 {
			t.Errorf("%d responder certificates", got)
		}
	})
}

func TestWhoGivesUpDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leader, giveUp := context.WithCancel(t.Context())
		l := newLab(t, nil)
		serial := l.good(t)
		slow, err := ocsp.New(ocsp.Config{
			Issuers: func() []*ca.Issuer { return []*ca.Issuer{l.issuer} }, Certify: l.certify, Clock: l.clock,
			Lookup: func(ctx context.Context, s ca.Serial) (ocsp.Status, error) {
				if ctx == leader {
					<-ctx.Done()
					return ocsp.Status{}, ctx.Err()
				}
				return l.lookup(ctx, s)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := slow.Respond(leader, l.request(nil, serial)); !errors.Is(err, context.Canceled) || !errors.Is(err, ocsp.ErrTryLater) {
				t.Errorf("the leader's error is %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			response, err := slow.Respond(context.Background(), l.request(nil, serial))
			if err != nil {
				t.Error(err)
			} else if parsed := l.read(t, response, serial); parsed.Status != xocsp.Good {
				t.Errorf("status is %d", parsed.Status)
			}
		})
		impatient, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		all.Go(func() {
			if _, err := slow.Respond(impatient, l.request(nil, serial)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error of one who waits no longer is %v", err)
			}
		})
		synctest.Wait()
		time.Sleep(2 * time.Second) // of the bubble
		giveUp()
		all.Wait()
	})
}

// A responder that was not told of everything answers good from no cache: it looks
// the status up, and where that fails says so. What is revoked it may say again.
func TestWhatIsBehindLooksUp(t *testing.T) {
	var caughtUp atomic.Bool
	caughtUp.Store(true)
	l := newLab(t, func(_ *lab, c *ocsp.Config) {
		c.CaughtUp = func(context.Context) bool { return caughtUp.Load() }
	})
	kept, changed, gone := l.good(t), l.good(t), l.good(t)
	l.set(gone, revoked(l))
	for _, serial := range []ca.Serial{kept, changed, gone} {
		l.ask(t, l.request(nil, serial), serial)
	}
	l.set(changed, revoked(l)) // and nobody calls Drop
	caughtUp.Store(false)
	for serial, want := range map[ca.Serial]int{kept: xocsp.Good, changed: xocsp.Revoked, gone: xocsp.Revoked} {
		if parsed, _ := l.ask(t, l.request(nil, serial), serial); parsed.Status != want {
			t.Errorf("status is %d, want %d", parsed.Status, want)
		}
	}
	l.failWith(errors.New("the database does not answer"))
	for serial, want := range map[ca.Serial]error{kept: ocsp.ErrTryLater, changed: nil, gone: nil} {
		if _, err := l.Respond(t.Context(), l.request(nil, serial)); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	l.advance(ocsp.DefaultValidity/2 + time.Minute) // past the time to refresh what is kept
	if _, err := l.Respond(t.Context(), l.request(nil, kept)); !errors.Is(err, ocsp.ErrTryLater) {
		t.Errorf("a refresh that failed: error %v", err)
	}
	caughtUp.Store(true)
	l.ask(t, l.request(nil, kept), kept)
}
