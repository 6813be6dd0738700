package bolt

import (
	"fmt"
	"syscall"
)

// spareRoom is what is to be left on the disk beside a copy, in octets, so that
// the store can go on.
const spareRoom = 64 << 20

// checkRoom tells whether a file of so many octets fits into a folder: a copy that
// fills the disk would end the store.
func checkRoom(folder string, size int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return fmt.Errorf("looking for room on the disk: %w", err)
	}
	need := size + size/10 + spareRoom
	if has := disk.Bavail * uint64(disk.Bsize); has < uint64(need) {
		return fmt.Errorf("%w: the copy needs %d MiB beside the file, and %s has %d MiB left", syscall.ENOSPC, need>>20, folder, has>>20)
	}
	return nil
}
