package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// testBranch lists the few devices of a branch beside many others, which match as
// well and come first in every order. A store looks at no more than some thousands
// of rows for a part of a list: that the first part is the whole shows that it has
// looked at none of the others.
func testBranch(t *testing.T, h Harness) {
	const few, many, perUpdate = 10, 20_000, 2_000
	listed := func(n int, serial identity.SerialNumber, fleet identity.FleetID, hours int) enroll.Device {
		d := deviceAt(identity.NewDeviceID("TH20", serial))
		live := enroll.LiveCertificate{Serial: serialAt(hours, n), Key: keyAt(n), Status: enroll.StatusHeld}
		d.Fleet, d.State, d.Newest, d.Live = fleet, identity.Held, &live, []enroll.LiveCertificate{live}
		return d
	}
	var all []enroll.Device
	for n := range many {
		all = append(all, listed(n, identity.SerialNumber(fmt.Sprintf("SN%05d", n)), "a-other", 1+n%24))
	}
	branchFleets := []identity.FleetID{"branch-0", "branch-1", "branch-2"}
	var inBranch []identity.DeviceID
	for n := range few {
		d := listed(n, identity.SerialNumber(fmt.Sprintf("SN9999%d", n)), branchFleets[n%3], 40)
		all, inBranch = append(all, d), append(inBranch, d.ID)
	}
	for part := range slices.Chunk(all, perUpdate) {
		update(t, h.Store, func(tx enroll.Tx) error {
			var errs []error
			for _, d := range part {
				errs = append(errs, tx.PutDevice(d))
			}
			return errors.Join(errs...)
		})
	}
	// parts lists devices and returns their ids, sorted, and in how many parts they
	// came.
	parts := func(f enroll.DeviceFilter) (ids []identity.DeviceID, parts int) {
		view(t, h.Store, func(r enroll.Reader) error {
			for ids, parts = nil, 0; parts < 100; {
				list, err := r.Devices(f)
				if err != nil {
					return err
				}
				parts++
				for _, d := range list.Items {
					ids = append(ids, d.ID)
				}
				if f.After = list.Next; f.After == "" {
					break
				}
			}
			slices.Sort(ids)
			return nil
		})
		return ids, parts
	}
	soon := epoch().Add(100 * 24 * time.Hour)
	for _, f := range []enroll.DeviceFilter{
		{},
		{State: identity.Held},
		{Query: "TH20"},
		{Query: "TH20-SN"},
		{Query: "SN"},
		{Model: "TH20"},
		{ExpiringBefore: soon},
		{State: identity.Held, Query: "SN", Model: "TH20", ExpiringBefore: soon},
	} {
		f.Fleets = branchFleets
		ids, n := parts(f)
		equal(t, fmt.Sprintf("devices of a branch, %+v", f), ids, inBranch)
		equal(t, fmt.Sprintf("parts of the list %+v", f), n, 1)
	}
	for f, want := range map[*enroll.DeviceFilter][]identity.DeviceID{
		{Query: "SN99993"}:                            {inBranch[3]},
		{Query: "TH20-SN99993"}:                       {inBranch[3]},
		{Query: "SN00003"}:                            nil,
		{State: identity.Active}:                      nil,
		{State: identity.Revoked}:                     nil,
		{Model: "TH2"}:                                nil,
		{ExpiringBefore: epoch().Add(30 * time.Hour)}: nil,
	} {
		f.Fleets = branchFleets
		ids, n := parts(*f)
		equal(t, fmt.Sprintf("devices of a branch, %+v", f), ids, want)
		equal(t, fmt.Sprintf("parts of the list %+v", f), n, 1)
	}
	wide := enroll.DeviceFilter{State: identity.Held, Fleets: branchFleets} // most of it is empty
	for n := range 10_000 - len(branchFleets) {
		wide.Fleets = append(wide.Fleets, identity.FleetID(fmt.Sprintf("empty-%d", n)))
	}
	ids, n := parts(wide)
	equal(t, "devices of a branch of 10,000 fleets", ids, inBranch)
	if n > 2 {
		t.Errorf("a branch of 10,000 fleets, nearly all of them empty, is listed in %d parts", n)
	}
	wide.Fleets, wide.State = append(wide.Fleets, "a-other"), identity.Active
	if ids, n = parts(wide); len(ids) > 0 || n > 6 {
		t.Errorf("none of %d devices: %d are listed in %d parts", len(all), len(ids), n)
	}
}
