package server

import "syscall"

// roomOn returns how much room a folder's disk has for this process, and how large it
// is, in octets.
func roomOn(folder string) (free, size uint64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, 0, err
	}
	block := uint64(disk.Bsize)
	return disk.Bavail * block, disk.Blocks * block, nil
}
