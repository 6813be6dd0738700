package storetest

import (
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// epoch is when everything happens. Its nanoseconds are none that a store keeps.
func epoch() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.UTC) }

// serialAt returns the n-th of the serial numbers that end so many hours after
// the epoch.
func serialAt(hours, n int) ca.Serial {
	s := ca.FirstSerialAt(epoch().Add(time.Duration(hours) * time.Hour))
	s[18], s[19] = byte(n>>8), byte(n)
	return s
}

// keyAt returns the n-th key's hash.
func keyAt(n int) ca.KeyHash { return ca.KeyHash{0: 0xfe, 1: byte(n >> 8), 2: byte(n), 31: 1} }

// deviceAt returns a device of the root fleet that is expected.
func deviceAt(id identity.DeviceID) enroll.Device {
	return enroll.Device{Device: identity.Device{
		ID: id, Fleet: rootFleet, Order: "order-1", State: identity.Expected, Version: 1, CreatedAt: epoch(), ChangedAt: epoch(),
	}}
}

// serialDevice returns the n-th device of the model TH20.
func serialDevice(n int) identity.DeviceID { return identity.DeviceID(fmt.Sprintf("TH20-SN%05d", n)) }

// fullDevice returns a device that has everything a device can have.
func fullDevice() enroll.Device {
	d := deviceAt("TH20-SN1")
	live := enroll.LiveCertificate{Serial: serialAt(24, 1), Predecessor: serialAt(12, 1), Key: keyAt(1), Status: enroll.StatusGood}
	held := live
	held.Status, held.HeldAlone = enroll.StatusHeld, true
	key := keyAt(2)
	d.State, d.Owner, d.OwnerGroup, d.Issued = identity.Active, "p-owner", "group:x#owners", 7
	d.Newest, d.Live = &live, []enroll.LiveCertificate{held, live}
	d.Ticket = &enroll.Ticket{Order: "order-1", Hash: [32]byte{1, 2, 3}, DrawnAt: epoch(), UsedBy: &key, DrawnBy: "p-operator"}
	d.KeyProtection = policy.TPM
	d.Enrolment = &enroll.Enrolment{Order: "order-1", Key: key, Serial: serialAt(12, 1)}
	d.Reenrol = &enroll.Reenrol{Until: epoch().Add(time.Hour), AllowedAt: epoch(), AllowedBy: "p-operator"}
	d.CloneSuspectedAt, d.ForkedAt = epoch().Add(time.Minute), epoch().Add(2*time.Minute)
	return d
}

func fullOrder() enroll.Order {
	return enroll.Order{
		ID: "order-1", Fleet: rootFleet, Model: "TH20", Quantity: 3, Profile: "default", Opens: epoch(),
		Closes: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), Manifest: true, Stations: []string{"device:ST-1", "oidc:x#y"},
		ClosedAt: epoch().Add(time.Hour), CreatedAt: epoch(), Version: 2, Owner: "p-owner", OwnerGroup: "group:x#owners",
	}
}

func fullCertificate() enroll.Certificate {
	return enroll.Certificate{
		Serial: serialAt(24, 1), DER: []byte{0x30, 0x03, 1, 2, 3}, Issuer: "issuer-1", Shard: "86400-1-0-0", Profile: "default",
		Device: "TH20-SN1", Predecessor: serialAt(12, 1), Number: 2, Key: keyAt(1), NotBefore: epoch(),
		Status: enroll.StatusRevoked, Reason: ca.Superseded, RevokedAt: epoch().Add(time.Hour),
	}
}

func fullShard() enroll.Shard {
	return enroll.Shard{
		ShardKey: enroll.ShardKey{Issuer: "issuer-1", Shard: "86400-1-0-0"}, Changes: 3, Published: 2, Number: 9,
		ThisUpdate: epoch(), NextUpdate: epoch().Add(time.Hour), Issued: 5,
	}
}

// eventAt returns an event of a device; n tells it from others.
func eventAt(id identity.DeviceID, n int) enroll.Event {
	return enroll.Event{Time: epoch(), Kind: enroll.DeviceEnrolled, Device: id, Comment: "<é> & so on", Count: n}
}
