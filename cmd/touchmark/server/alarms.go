package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
)

// looks are those for what the service itself does not see.
func (s *server) looks() []enroll.Look {
	looks := []enroll.Look{s.lookAtListeners, s.lookAtResponders}
	if d := s.disks(); len(d.folders) > 0 {
		looks = append(looks, d.look)
	}
	return looks
}

// folder is one whose disk must not become full.
type folder struct{ name, path string }

// disks are the disks that the process writes to.
type disks struct {
	folders   []folder
	low, stop uint64 // octets
	room      func(path string) (free, size uint64, err error)
	show      func(name string, free, size uint64)
}

// disks returns those of the store's file, where it has one, and of the archive.
func (s *server) disks() *disks {
	d := &disks{
		folders: []folder{{"archive", s.Settings.ArchiveDir}}, low: uint64(s.Settings.DiskLow), stop: uint64(s.Settings.DiskStop),
		room: s.Room, show: s.metrics.Room,
	}
	if d.room == nil {
		d.room = roomOn
	}
	if path, err := store.FilePath(s.Settings.Store); err == nil {
		d.folders = append([]folder{{"store", filepath.Dir(path)}}, d.folders...)
	}
	return d
}

// look is an enroll.Look. The folder with the least room decides.
func (d *disks) look(context.Context) ([]enroll.Finding, error) {
	space, full := enroll.Finding{Alarm: enroll.AlarmDiskSpace}, enroll.Finding{Alarm: enroll.AlarmDiskFull}
	var faults []error
	least := ^uint64(0)
	for _, f := range d.folders {
		free, size, err := d.room(f.path)
		if err != nil {
			faults = append(faults, fmt.Errorf("look for room in the folder of the %s, %s: %w", f.name, f.path, err))
			continue
		}
		d.show(f.name, free, size)
		if free >= least {
			continue
		}
		least = free
		if free < d.low {
			space.Raised = true
			space.Detail = fmt.Sprintf("%s on the disk of the %s, %s; there should be %s", mebibytes(free), f.name, f.path, mebibytes(d.low))
		}
		if free < d.stop {
			full.Raised, full.Stops = true, enroll.StopEnrolment
			full.Detail = fmt.Sprintf("%s on the disk of the %s, %s; no device is enrolled below %s", mebibytes(free), f.name, f.path, mebibytes(d.stop))
		}
		if free < d.stop/4 {
			full.Stops = enroll.StopIssuing
		}
	}
	if len(faults) > 0 && !full.Raised { // a disk that cannot be looked at may be the full one
		return nil, errors.Join(faults...)
	}
	return []enroll.Finding{space, full}, errors.Join(faults...)
}

func mebibytes(octets uint64) string { return fmt.Sprintf("%d MiB", octets>>20) }

// lookAtListeners looks whether the listeners have a certificate that was renewed in
// time: after two thirds of its life. A sixth more is time to try again.
func (s *server) lookAtListeners(context.Context) ([]enroll.Finding, error) {
	f := enroll.Finding{Alarm: enroll.AlarmListenerCertificate}
	end := s.own.end()
	if end.IsZero() {
		f.Raised, f.Detail = true, "the device and api listeners have no certificate; the log says why"
	} else {
		s.metrics.OwnCertificate("listener", end)
		if left := end.Sub(s.service.Now()); left < ownLifetime/6 {
			f.Raised = true
			f.Detail = fmt.Sprintf("the listeners' certificate ends at %s; the log says why no other was issued", end.UTC().Format(time.RFC3339))
		}
	}
	return []enroll.Finding{f}, nil
}

// lookAtResponders looks whether OCSP responders have their certificates.
func (s *server) lookAtResponders(context.Context) ([]enroll.Finding, error) {
	f := enroll.Finding{Alarm: enroll.AlarmResponderCertificate}
	if failure := s.responder.Failing(); failure != nil {
		f.Raised, f.Detail = true, "an OCSP responder's certificate could not be had; the log says why"
	}
	return []enroll.Finding{f}, nil
}
