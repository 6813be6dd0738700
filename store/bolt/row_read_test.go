package bolt_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
	"github.com/touchmark/touchmark/store/bolt"
)

// What the rows read by hand must agree with is the library that reads the other
// rows: whatever the hand accepts, the library reads the same.
func FuzzRow(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		device, order := someDevice(random), someOrder(random)
		f.Add(bolt.EncodeDevice(f, device))
		f.Add(bolt.EncodeOrder(f, order))
	}
	f.Add([]byte{0xa1, 0x18, 0x63, 0x82, 0xa1, 0x01, 0xf4, 0x19, 0x01, 0x00}) // a field of a newer program: 99 = [{1: false}, 256]
	f.Add(bytes.Repeat([]byte{0x81}, 20))
	f.Fuzz(func(t *testing.T, data []byte) { bolt.CompareReaders(t, data) })
}

func TestRowsReadByHand(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		for _, data := range [][]byte{bolt.EncodeDevice(t, someDevice(random)), bolt.EncodeOrder(t, someOrder(random))} {
			if !bolt.CompareReaders(t, data) {
				t.Fatalf("%x is not read", data)
			}
			for _, cut := range []int{1, len(data) / 2, len(data) - 1} {
				bolt.CompareReaders(t, data[:cut])
			}
			data[random.IntN(len(data))] ^= byte(1 + random.IntN(255))
			bolt.CompareReaders(t, data)
		}
	}
}

// maybe gives the zero value every other time.
func maybe[T any](random *rand.Rand, value T) (none T) {
	if random.IntN(2) == 0 {
		return none
	}
	return value
}

func someTime(random *rand.Rand) time.Time {
	return maybe(random, time.UnixMicro(random.Int64N(1<<52)).UTC())
}

func someOctets(random *rand.Rand) (octets [32]byte) {
	for i := range octets {
		octets[i] = byte(random.Uint32())
	}
	return octets
}

func someLive(random *rand.Rand) enroll.LiveCertificate {
	octets := someOctets(random)
	return enroll.LiveCertificate{
		Serial: ca.Serial(octets[:20]), Predecessor: maybe(random, ca.Serial(octets[12:])), Key: someOctets(random),
		Status: enroll.StatusGood, HeldAlone: random.IntN(2) == 0,
	}
}

func someDevice(random *rand.Rand) enroll.Device {
	d := enroll.Device{
		Device: identity.Device{
			ID: "TH20-1", Fleet: "fleet", Order: maybe(random, strings.Repeat("o", random.IntN(300))), State: identity.Active,
			Owner: maybe(random, "Jürgen"), OwnerGroup: maybe(random, "group:x#y"), Version: random.Uint64() >> random.IntN(64), CreatedAt: someTime(random), ChangedAt: someTime(random),
		},
		Issued: random.Uint64() >> random.IntN(64), CloneSuspectedAt: someTime(random), ForkedAt: someTime(random),
	}
	for range random.IntN(5) * random.IntN(30) {
		d.Live = append(d.Live, someLive(random))
	}
	if len(d.Live) > 0 {
		d.Newest = &d.Live[len(d.Live)-1]
	}
	key := ca.KeyHash(someOctets(random))
	d.Ticket = maybe(random, &enroll.Ticket{Order: "o", Hash: someOctets(random), DrawnAt: someTime(random), UsedBy: maybe(random, &key), DrawnBy: maybe(random, "p")})
	d.KeyProtection = maybe(random, policy.TPM)
	d.Enrolment = maybe(random, &enroll.Enrolment{Order: "o", Key: key})
	d.Reenrol = maybe(random, &enroll.Reenrol{Until: someTime(random), AllowedAt: someTime(random), AllowedBy: "p"})
	return d
}

func someOrder(random *rand.Rand) enroll.Order {
	return enroll.Order{
		ID: "o", Fleet: "fleet", Model: "TH20", Quantity: random.IntN(10_000_000), Profile: maybe(random, "default"),
		Opens: someTime(random), Closes: someTime(random), Manifest: random.IntN(2) == 0,
		Stations: maybe(random, []string{"a", "ü"}), ClosedAt: someTime(random), CreatedAt: someTime(random), Version: random.Uint64(),
		Owner: maybe(random, "p"), OwnerGroup: maybe(random, "group:x#y"),
	}
}
