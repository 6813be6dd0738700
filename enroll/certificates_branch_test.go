package enroll_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// watched is a store that says what lists and look-ups of devices and certificates
// its views made.
type watched struct {
	enroll.Store
	read []string // ids of devices, serial numbers, and "*" for what leads through all
}

func (w *watched) View(ctx context.Context, fn func(enroll.Reader) error) error {
	return w.Store.View(ctx, func(r enroll.Reader) error { return fn(watchedReader{r, w}) })
}

type watchedReader struct {
	enroll.Reader
	w *watched
}

func (r watchedReader) saw(what string) { r.w.read = append(r.w.read, what) }

func (r watchedReader) Device(id identity.DeviceID) (enroll.Device, error) {
	r.saw(string(id))
	return r.Reader.Device(id)
}

func (r watchedReader) Certificate(serial ca.Serial) (enroll.Certificate, error) {
	r.saw(serial.String())
	return r.Reader.Certificate(serial)
}

func (r watchedReader) Devices(f enroll.DeviceFilter) (enroll.List[enroll.Device], error) {
	list, err := r.Reader.Devices(f)
	if f.Fleets == nil || !f.ExpiringBefore.IsZero() || f.State != "" || f.Query != "" { // stores may walk another index
		r.saw("*")
	}
	for _, d := range list.Items {
		r.saw(string(d.ID))
	}
	return list, err
}

func (r watchedReader) Certificates(f enroll.CertificateFilter) (enroll.List[enroll.Certificate], error) {
	r.saw(string(f.Device))
	if f.Device == "" {
		r.saw("*")
	}
	return r.Reader.Certificates(f)
}

// Who may read a branch's certificates gets one of each of its devices, and nothing
// outside is even looked at.
func TestCertificatesOfABranch(t *testing.T) {
	store := &watched{Store: storetest.NewMemory()}
	r := newRigOn(t, store, "", newIssuer(t, nil))
	in := func(fleet, profile string, serials ...string) (issued []enroll.Issued) {
		order := r.order(len(serials), func(o *enroll.NewOrder) { o.Fleet, o.Profile = fleet, profile })
		for _, serial := range serials {
			one, err := r.vouch(order, serial, newKey(t))
			check(t, err)
			issued = append(issued, one)
		}
		return issued
	}
	mine := in("/berlin/line-3", "default", "A1", "A2", "A3")
	mine = append(mine, in("/berlin/line-4", "brief", "B1")...)
	outside := in("/ulm", "default", "C1", "C2", "C3", "C4")
	r.order(1, func(o *enroll.NewOrder) { o.Fleet, o.Serials = "/berlin", []string{"EXPECTED"} })
	r.clock.advance(10 * time.Minute)
	renewed, err := r.renew(mine[0], newKey(t))
	check(t, err)
	begin := r.clock.Now()

	reader := identity.Principal{
		Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "rita",
		Grants: []identity.Grant{{Role: identity.Auditor, Fleet: "/berlin"}},
	}
	for name, c := range map[string]struct {
		p    identity.Principal
		q    enroll.CertificateQuery
		want []ca.Serial
	}{
		"of their branch":     {reader, enroll.CertificateQuery{}, []ca.Serial{renewed.Serial, mine[1].Serial, mine[2].Serial, mine[3].Serial}},
		"by name":             {reader, enroll.CertificateQuery{Fleet: "/berlin"}, []ca.Serial{renewed.Serial, mine[1].Serial, mine[2].Serial, mine[3].Serial}},
		"of one line":         {reader, enroll.CertificateQuery{Fleet: "/berlin/line-4"}, []ca.Serial{mine[3].Serial}},
		"ending soon":         {reader, enroll.CertificateQuery{ExpiringBefore: begin.Add(2 * time.Hour)}, []ca.Serial{mine[3].Serial}},
		"ending late":         {reader, enroll.CertificateQuery{ExpiringAfter: begin.Add(2 * time.Hour)}, []ca.Serial{renewed.Serial, mine[1].Serial, mine[2].Serial}},
		"not the newest":      {reader, enroll.CertificateQuery{ExpiringAfter: begin.Add(2 * time.Hour), ExpiringBefore: renewed.Serial.NotAfter()}, []ca.Serial{mine[0].Serial, mine[1].Serial, mine[2].Serial}},
		"an admin's branch":   {r.admin, enroll.CertificateQuery{Fleet: "/berlin/line-4"}, []ca.Serial{mine[3].Serial}},
		"a branch without":    {r.admin, enroll.CertificateQuery{Fleet: "/berlin/line-4", ExpiringAfter: begin.Add(2 * time.Hour)}, nil},
		"nothing in the time": {reader, enroll.CertificateQuery{ExpiringAfter: begin.AddDate(1, 0, 0)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			store.read = nil
			var got []ca.Serial
			for c.q.Limit = 2; ; {
				part, err := r.Certificates(t.Context(), c.p, c.q)
				check(t, err)
				for _, info := range part.Items {
					got = append(got, info.Serial)
				}
				if c.q.After = part.Next; c.q.After == "" {
					break
				}
			}
			for _, serials := range [][]ca.Serial{got, c.want} {
				slices.SortFunc(serials, ca.Serial.Compare)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			for _, what := range store.read {
				if what == "*" || strings.Contains(what, "-C") || slices.ContainsFunc(outside, func(i enroll.Issued) bool { return i.Serial.String() == what }) {
					t.Errorf("read %s", what)
				}
			}
			if len(store.read) == 0 {
				t.Error("read nothing at all: does the test still see?")
			}
		})
	}
	for _, fleet := range []string{"/ulm", "/nowhere", "/"} {
		_, err := r.Certificates(t.Context(), reader, enroll.CertificateQuery{Fleet: fleet})
		wantCode(t, err, enroll.NotFound)
	}
	_, err = r.Certificates(t.Context(), reader, enroll.CertificateQuery{Fleet: "/berlin", Device: string(mine[0].Device)})
	wantCode(t, err, enroll.BadRequest)
	_, err = r.Certificates(t.Context(), reader, enroll.CertificateQuery{Page: enroll.Page{After: "expiry.00"}})
	wantCode(t, err, enroll.BadRequest)
	_, err = r.Certificates(t.Context(), someone("mallory"), enroll.CertificateQuery{Device: string(mine[0].Device)})
	wantCode(t, err, enroll.Forbidden)
}

// Who may read all of them gets them by their ends, those of Touchmark itself too.
func TestCertificatesOfTheWholeTree(t *testing.T) {
	r := newRig(t)
	issued, key := r.enrolled("SN1")
	r.clock.advance(time.Minute)
	renewed, err := r.renew(issued, key)
	check(t, err)
	own, err := r.IssueOwn(t.Context(), enroll.Own{Purpose: ca.PurposeServer, Key: newKey(t).Public(), CommonName: "Touchmark", DNSNames: []string{"localhost"}, Lifetime: time.Hour})
	check(t, err)
	for _, fleet := range []string{"", "/"} {
		list, err := r.Certificates(t.Context(), r.admin, enroll.CertificateQuery{Fleet: fleet})
		check(t, err)
		var got []ca.Serial
		for _, info := range list.Items {
			got = append(got, info.Serial)
		}
		if want := []ca.Serial{own.Serial, issued.Serial, renewed.Serial}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
