//go:build !race

package enroll_test

// How many walks are taken, in memory and on a disk.
const (
	walks       = 60
	walksOnDisk = 2
)
