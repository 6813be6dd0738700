package postgres_test

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/postgres"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// BenchmarkEnrolment makes the reads and writes of one enrolment, in a database of
// 100,000 expected devices, from so many goroutines at once: what the path records
// and, judged, what it looks at before it signs. It tells the processor time of
// one, this process's and the server's, without the waiting for the disk.
func BenchmarkEnrolment(b *testing.B) {
	for _, at := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("at=%d", at), func(b *testing.B) { benchmarkEnrolment(b, 1, at, false) })
		b.Run(fmt.Sprintf("judged/at=%d", at), func(b *testing.B) { benchmarkEnrolment(b, 1, at, true) })
	}
}

// BenchmarkNodes does the same on several nodes of one database, which share an
// order.
func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{2, 3} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) { benchmarkEnrolment(b, nodes, 96, false) })
	}
}

const expected = 100_000

func benchmarkEnrolment(b *testing.B, nodes, at int, judged bool) {
	durable, err := postgrestest.Start(postgrestest.Config{Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := durable.Close(); err != nil {
			b.Error(err)
		}
	}()
	url, err := durable.Database()
	if err != nil {
		b.Fatal(err)
	}
	var on []*postgres.Store
	for range nodes {
		on = append(on, open(b, postgres.Config{URL: url}))
	}
	expect(b, on[0])
	var next atomic.Int64
	b.SetParallelism(max(at/runtime.GOMAXPROCS(0), 1))
	before, serverBefore := processorTime(b), serverTime(b, durable)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		s := on[int(next.Add(1))%nodes]
		for pb.Next() {
			e := newEnrolment(int(next.Add(1)) % expected)
			if judged {
				if err := s.View(b.Context(), e.judge); err != nil {
					b.Error(err)
					return
				}
			}
			if err := s.Update(b.Context(), e.record); err != nil {
				b.Error(err)
				return
			}
		}
	})
	if err := on[0].Settle(b.Context()); err != nil { // the run ends when the log has every event
		b.Error(err)
	}
	b.StopTimer()
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64((serverTime(b, durable)-serverBefore).Microseconds())/float64(b.N), "db-cpu-µs/op")
	for _, s := range on {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}
}

func serverTime(b *testing.B, s *postgrestest.Server) time.Duration {
	b.Helper()
	used, err := s.ProcessorTime()
	if err != nil {
		b.Fatal(err)
	}
	return used
}

// expect writes the order and its devices with their tickets.
func expect(b *testing.B, s *postgres.Store) {
	b.Helper()
	for first := 0; first < expected; first += 10_000 {
		err := s.Update(b.Context(), func(tx enroll.Tx) error {
			errs := []error{
				tx.PutOrder(enroll.Order{ID: "order-1", Fleet: "fleet-1", Model: "TH20", Quantity: enroll.MaxQuantity}),
				tx.PutFleet(identity.Fleet{ID: "fleet-1", Parent: identity.RootFleetID, Name: "berlin"}),
				tx.PutShard(enroll.Shard{ShardKey: shard}),
			}
			for i := range 10_000 {
				errs = append(errs, tx.PutDevice(enroll.Device{
					Device: identity.Device{ID: deviceID(first + i), Fleet: "fleet-1", Order: "order-1", State: identity.Expected, CreatedAt: time.Unix(1e9, 0)},
					Ticket: &enroll.Ticket{Order: "order-1", Hash: [32]byte{1}},
				}))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

var shard = enroll.ShardKey{Issuer: "issuer-1", Shard: "86400-20526-0-0"}

func deviceID(n int) identity.DeviceID { return identity.DeviceID(fmt.Sprintf("TH20-SN%06d", n)) }

// enrolment is what one enrolment is to record.
type enrolment struct {
	device      identity.DeviceID
	certificate enroll.Certificate
	now         time.Time
}

func newEnrolment(n int) *enrolment {
	e := &enrolment{device: deviceID(n), now: time.Now()}
	var key ca.KeyHash
	_, _ = rand.Read(key[:])
	serial, err := ca.NewSerial(rand.Reader, e.now.Add(24*time.Hour))
	if err != nil {
		panic(err)
	}
	der := make([]byte, 700)
	binary.BigEndian.PutUint64(der, uint64(n))
	e.certificate = enroll.Certificate{
		Serial: serial, DER: der, Issuer: shard.Issuer, Shard: shard.Shard, Profile: "default", Device: e.device, Number: 1,
		Key: key, NotBefore: e.now, Status: enroll.StatusGood,
	}
	return e
}

// judge reads what enroll looks at before it signs.
func (e *enrolment) judge(r enroll.Reader) error {
	if _, err := r.Order("order-1"); err != nil {
		return err
	}
	if _, err := r.Device(e.device); err != nil {
		return err
	}
	if _, err := r.Key(e.certificate.Key); !errors.Is(err, enroll.ErrNotFound) {
		return errors.Join(err, errors.New("the key is known"))
	}
	return nil
}

// record reads and writes what enroll does for a ticket's first use.
func (e *enrolment) record(tx enroll.Tx) error {
	c := e.certificate
	if err := e.judge(tx); err != nil {
		return err
	}
	if _, err := tx.Fleet("fleet-1"); err != nil {
		return err
	}
	if _, err := tx.Shard(shard); err != nil {
		return err
	}
	d, err := tx.Device(e.device)
	if err != nil {
		return err
	}
	live := enroll.LiveCertificate{Serial: c.Serial, Key: c.Key, Status: enroll.StatusGood}
	d.State, d.Newest, d.Live, d.Issued = identity.Active, &live, []enroll.LiveCertificate{live}, 1
	d.Enrolment = &enroll.Enrolment{Order: "order-1", Key: c.Key, Serial: c.Serial}
	d.Ticket.UsedBy = &c.Key
	d.Version++
	event := enroll.Event{
		Time: e.now, Kind: enroll.DeviceEnrolled, Actor: "abcdefghijklmnop", Request: "0123456789abcdef", Fleet: "/berlin",
		Order: "order-1", Device: e.device, Key: &c.Key,
	}
	issued := event
	end := c.Serial.NotAfter()
	issued.Kind, issued.Certificate, issued.Issuer, issued.Profile, issued.NotAfter = enroll.CertificateIssued, &c.Serial, c.Issuer, c.Profile, &end
	return errors.Join(tx.TakeQuota("order-1"), tx.PutDevice(d), tx.PutCertificate(c), tx.PutKey(c.Key, enroll.KeyUse{Device: e.device}),
		tx.Append(event), tx.Append(issued))
}

// processorTime returns what this process has used, in the program and for it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
