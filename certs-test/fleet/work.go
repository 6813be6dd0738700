package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Bounds of Work.
const (
	// recent is how many of the youngest devices are mostly worked for, so that the
	// same device is asked for often.
	recent = 200
	// mostCertificates is how many a device gets in its life.
	mostCertificates = 8
	// keepEvery is how often a checkpoint of the log is fetched.
	keepEvery = 40 * time.Millisecond
	// enough is how many devices with tickets wait at least; orders are made to
	// have them.
	enough = 20
)

// Work has all clients send requests until ctx is done, and waits for the answers
// of those that are under way: what ends them sooner is the server's death.
func (f *Fleet) Work(ctx context.Context) {
	under := context.WithoutCancel(ctx)
	var clients sync.WaitGroup
	clients.Go(func() { f.keepCheckpoints(ctx, under) })
	for range f.config.Clients {
		clients.Go(func() {
			for ctx.Err() == nil {
				if !f.work(under) {
					pause(ctx, firstPause) // everybody has somebody else
				}
			}
		})
	}
	clients.Wait()
}

func pause(ctx context.Context, length time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(length):
	}
}

// keepCheckpoints keeps newer and newer checkpoints outside of the server.
func (f *Fleet) keepCheckpoints(ctx, under context.Context) {
	for ctx.Err() == nil {
		text, err := f.doors.operators[f.anyNode()].Checkpoint(under)
		if err == nil {
			if err := f.Ledger.keep(text, f.config.Site.LogKey); err != nil {
				f.Ledger.fault(nil, "the log's checkpoint: %v", err)
			}
		}
		pause(ctx, keepEvery)
	}
}

// work does one thing. It returns false where there was nothing to do.
func (f *Fleet) work(ctx context.Context) bool {
	if f.needsOrder() {
		f.order(ctx)
		return true
	}
	d := f.take()
	if d == nil {
		return false
	}
	defer d.mu.Unlock()
	if d.Doubt != nil {
		f.do(ctx, d, *d.Doubt)
	} else if r, err := f.choose(d); err != nil {
		f.Ledger.fault(d, "%v", err)
	} else if r != nil {
		f.do(ctx, d, *r)
	}
	f.put(d)
	return true
}

// take returns a device that nobody else has, and holds it; or nil.
func (f *Fleet) take() *Device {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.waiting); n > 0 && (len(f.living) == 0 || f.random.IntN(2) == 0) {
		i := f.random.IntN(n)
		d := f.waiting[i]
		if !d.mu.TryLock() {
			return nil
		}
		f.waiting[i] = f.waiting[n-1]
		f.waiting = f.waiting[:n-1]
		return d
	}
	n := len(f.living)
	if n == 0 {
		return nil
	}
	i := f.random.IntN(n)
	if n > recent && f.random.IntN(10) > 0 {
		i = n - 1 - f.random.IntN(recent)
	}
	if d := f.living[i]; d.mu.TryLock() {
		return d
	}
	return nil
}

// put gives a device that waited its new place. The caller holds it.
func (f *Fleet) put(d *Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case d.Full || d.lives:
	case d.State == identity.Expected:
		f.waiting = append(f.waiting, d)
	default:
		d.lives = true
		f.living = append(f.living, d)
	}
}

// choose says what to do with a device that is held; nil for nothing.
func (f *Fleet) choose(d *Device) (*Request, error) {
	dice := f.chance(100)
	if d.Full {
		return nil, nil
	}
	if d.State == identity.Expected {
		if dice < 4 && d.Voided == "" {
			return &Request{Ask: Draw}, nil
		}
		return &Request{Ask: Enrol}, nil
	}
	switch {
	case d.State == identity.Held && dice < 80:
		return &Request{Ask: Release}, nil
	case d.State == identity.Held:
		return &Request{Ask: RevokeDevice, Reason: ca.PrivilegeWithdrawn}, nil
	case d.State != identity.Active:
		return nil, nil
	case dice < 20:
		return &Request{Ask: Hold}, nil
	case dice < 26:
		return &Request{Ask: RevokeDevice, Reason: f.anyReason()}, nil
	case dice < 32:
		c := d.Certificates[f.chance(len(d.Certificates))]
		if c.Status == enroll.StatusRevoked {
			return nil, nil
		}
		return &Request{Ask: RevokeCertificate, Certificate: c, Reason: f.anyReason()}, nil
	case !d.renews() || len(d.Certificates) >= mostCertificates:
		return nil, nil
	}
	r := &Request{Ask: Renew, Certificate: d.Newest(), Identity: d.Newest().Identity}
	if dice%2 == 0 {
		return r, nil
	}
	var err error
	r.Identity, err = newIdentity(d.ID())
	return r, err
}

func (f *Fleet) anyReason() ca.Reason {
	reasons := []ca.Reason{ca.Unspecified, ca.KeyCompromise, ca.Superseded, ca.PrivilegeWithdrawn}
	return reasons[f.chance(len(reasons))]
}
