//go:build race

package enroll_test

// How many walks are taken, in memory and on a disk, where everything takes longer.
const (
	walks       = 8
	walksOnDisk = 1
)
