package enroll_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

var errCrash = errors.New("the power is cut")

// steps counts what a mover does to the outside, and has something happen at one
// of these steps.
type steps struct {
	n, at int
	// lost is returned instead of doing step at; kept after it was done, and of
	// every later step. do is called before step at.
	lost, kept bool
	do         func()
	wrote      func() // called after a file was written
	down       bool
}

// begin says whether a step is done at all, and end whether it reports that.
func (s *steps) begin() error {
	if s.down {
		return errCrash
	}
	if s.n++; s.n != s.at {
		return nil
	}
	if s.do != nil {
		s.do()
	}
	if s.lost {
		s.down = true
		return errCrash
	}
	return nil
}

func (s *steps) end(err error) error {
	if s.n == s.at && s.kept {
		s.down = true
	}
	if s.down {
		return errCrash
	}
	return err
}

func (s *steps) step(do func() error) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.end(do())
}

// steppedStore and steppedArchive count every call as a step.
type steppedStore struct {
	enroll.Store
	*steps
}

func (s steppedStore) View(ctx context.Context, fn func(enroll.Reader) error) error {
	return s.step(func() error { return s.Store.View(ctx, fn) })
}

func (s steppedStore) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	return s.step(func() error { return s.Store.Update(ctx, fn) })
}

func (s steppedStore) Lead(ctx context.Context, task enroll.Task) (token uint64, err error) {
	err = s.step(func() error { token, err = s.Store.Lead(ctx, task); return err })
	return token, err
}

type steppedArchive struct {
	enroll.Archive
	*steps
}

func (a steppedArchive) Put(ctx context.Context, kind enroll.SegmentKind, items []enroll.Item) (s enroll.Segment, err error) {
	err = a.step(func() error { s, err = a.Archive.Put(ctx, kind, items); return err })
	if err == nil && a.wrote != nil {
		a.wrote()
	}
	return s, err
}

func (a steppedArchive) Get(ctx context.Context, s enroll.Segment, key []byte) (value []byte, err error) {
	err = a.step(func() error { value, err = a.Archive.Get(ctx, s, key); return err })
	return value, err
}

func (a steppedArchive) Read(ctx context.Context, s enroll.Segment, from []byte, limit int) (items []enroll.Item, err error) {
	err = a.step(func() error { items, err = a.Archive.Read(ctx, s, from, limit); return err })
	return items, err
}

// scene is a store with much that is due, as it can be made again and again.
type scene struct {
	r          *archivedRig
	devices    []enroll.Device
	keys       []enroll.KnownKey
	checkpoint audit.Checkpoint
}

func newScene(t *testing.T) *scene {
	t.Helper()
	r := newArchivedRig(t)
	for i := range 3 {
		current, key := r.enrolledDevice(serialOf(i))
		r.renewed(current, key)
	}
	r.act("TH20-SN00002", identity.Revoke, "keyCompromise")
	r.own()
	r.fill(560)
	s := &scene{r: r, checkpoint: r.checkpoint()}
	check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
		devices, err := reader.Devices(enroll.DeviceFilter{})
		if err != nil {
			return err
		}
		keys, err := reader.Keys(enroll.Page{})
		s.devices, s.keys = devices.Items, keys.Items
		return err
	}))
	return s
}

// again returns a rig on a new copy of the scene, 40 days later, whose mover goes
// by the steps, and a second one without.
func (s *scene) again(t *testing.T, at *steps) (mover, other *archivedRig) {
	t.Helper()
	store, files := storetest.NewMemory(), newMemoryArchive()
	check(t, s.r.store.View(t.Context(), func(from enroll.Reader) error {
		return store.Update(t.Context(), func(to enroll.Tx) error { return s.copy(from, to) })
	}))
	other = &archivedRig{rig: newRigOn(t, strict{store}, "", s.r.issuer, withArchive(files)), t: t}
	due := at.at
	at.at = 0 // not yet
	late := s.r.clock.Now().Add(40 * day)
	mover = &archivedRig{rig: newRigOn(t, steppedStore{strict{store}, at}, "", s.r.issuer, withArchive(steppedArchive{files, at})), t: t}
	at.n, at.at = 0, due
	mover.clock.now, other.clock.now = late, late
	other.issued = s.r.issued
	return mover, other
}

func (s *scene) copy(from enroll.Reader, to enroll.Tx) error {
	installation, err := from.Installation()
	errs := []error{err, to.PutInstallation(installation)}
	for _, d := range s.devices {
		errs = append(errs, to.PutDevice(d))
		for id := d.Fleet; id != identity.RootFleetID; {
			fleet, err := from.Fleet(id)
			errs = append(errs, err, to.PutFleet(fleet))
			id = fleet.Parent
		}
	}
	for _, k := range s.keys {
		errs = append(errs, to.PutKey(k.Hash, k.KeyUse))
	}
	issuers, err := from.Issuers()
	errs = append(errs, err)
	for _, issuer := range issuers {
		errs = append(errs, to.PutIssuer(issuer))
	}
	certificates, err := from.Certificates(enroll.CertificateFilter{})
	errs = append(errs, err)
	for _, c := range certificates.Items {
		errs = append(errs, to.PutCertificate(c))
	}
	for page := (enroll.Page{Limit: enroll.MaxPage}); ; {
		records, err := from.Records(enroll.RecordFilter{Page: page})
		if err != nil {
			return err
		}
		for _, record := range records.Items {
			errs = append(errs, to.AppendRecord(record))
		}
		if page.After = records.Next; page.After == "" {
			return errors.Join(errs...)
		}
	}
}

// whole checks that all that was due has left, and that nothing was lost.
func (s *scene) whole(t *testing.T, r *archivedRig) {
	t.Helper()
	certificates, keys, records := r.hot()
	if certificates != 0 || keys != len(s.devices) || records > 2*512 {
		t.Fatalf("the store has %d certificates, %d keys of %d devices, and %d records", certificates, keys, len(s.devices), records)
	}
	r.verify(s.checkpoint)
}

// The power is cut at every step in turn, before and after it was done. Nothing is
// lost then, and the next run does the rest.
func TestCrashAtEveryStep(t *testing.T) {
	s := newScene(t)
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprintf("kept=%v", kept), func(t *testing.T) {
			for at := 1; ; at++ {
				crash := &steps{at: at, kept: kept, lost: !kept}
				mover, other := s.again(t, crash)
				err := mover.ArchiveSmall(t.Context())
				if err == nil && !crash.down {
					if at < 20 {
						t.Fatalf("only %d steps", at)
					}
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("step %d: error %v", at, err)
				}
				if at%5 == 0 {
					other.verify(s.checkpoint)
				}
				other.archiveSmall()
				s.whole(t, other)
			}
		})
	}
}

// A mover stands still at a step, another does all of it meanwhile, and the first
// goes on as if it still led: the store in memory lets anybody lead.
func TestTwoMovers(t *testing.T) {
	s := newScene(t)
	lost := 0
	for at := 1; ; at++ {
		pause := &steps{at: at}
		mover, other := s.again(t, pause)
		pause.do = other.archiveSmall
		if err := mover.ArchiveSmall(t.Context()); err != nil && !errors.Is(err, enroll.ErrNotLeading) {
			lost++ // it finds that what it was about to move is gone
		}
		if pause.n < at {
			break
		}
		s.whole(t, other)
		other.archiveSmall()
		s.whole(t, other)
	}
	if lost == 0 {
		t.Error("the first mover never noticed the second")
	}
}

// What is changed between being written to a file and leaving the store stays in
// the store, and counts.
func TestChangedAfterItWasWritten(t *testing.T) {
	s := newScene(t)
	changed := s.r.issued[1]
	at := &steps{}
	mover, other := s.again(t, at)
	at.wrote = func() {
		_, err := other.ActOnCertificate(t.Context(), other.admin, changed.Serial.String(), identity.Revoke, "superseded", "")
		check(t, err)
		at.wrote = nil
	}
	mover.archiveSmall()
	if !other.inStore(changed.Serial) {
		t.Fatal("what was changed left the store")
	}
	status, err := other.OCSPStatus(t.Context(), changed.Serial)
	check(t, err)
	if !status.Revoked {
		t.Error("OCSP does not say that it is revoked")
	}
	other.archiveSmall()
	other.verify(s.checkpoint)
	if certificates, _, _ := other.hot(); certificates != 1 {
		t.Errorf("%d certificates stayed, want the one", certificates)
	}
}
