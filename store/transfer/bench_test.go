package transfer_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/touchmark/touchmark/store/postgres/postgrestest"
	"github.com/touchmark/touchmark/store/transfer"
)

// BenchmarkCopy copies devices, each with a certificate, a key and two records of
// the log, and compares them. Besides the time it tells the processor time of this
// process and of the database, for each device.
func BenchmarkCopy(b *testing.B) {
	const devices = 10_000
	server, err := postgrestest.Start(postgrestest.Config{Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	from := inFile(b)()
	world{Rand: rand.New(rand.NewPCG(1, 1)), devices: devices, records: 2}.fill(b, from)
	for _, to := range []struct {
		name string
		opener
	}{{"bolt to bolt", inFile}, {"bolt to postgres", inDatabase(server)}} {
		b.Run(to.name, func(b *testing.B) {
			var ours, database time.Duration
			for b.Loop() {
				b.StopTimer()
				target := to.opener(b)()
				oursBefore, databaseBefore := processorTime(b), serverTime(b, server)
				b.StartTimer()
				if _, err := transfer.Copy(b.Context(), transfer.Config{From: from, To: target}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				ours += processorTime(b) - oursBefore
				database += serverTime(b, server) - databaseBefore
				b.StartTimer()
			}
			n := float64(b.N * devices)
			b.ReportMetric(n/b.Elapsed().Seconds(), "devices/s")
			b.ReportMetric(float64(ours.Microseconds())/n, "cpu-µs/device")
			b.ReportMetric(float64(database.Microseconds())/n, "database-µs/device")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func serverTime(b *testing.B, s *postgrestest.Server) time.Duration {
	b.Helper()
	used, err := s.ProcessorTime()
	if err != nil {
		b.Fatal(err)
	}
	return used
}
