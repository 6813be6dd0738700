package postgrestest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/<pid>/stat (USER_HZ), on every Linux that
// Go runs on.
const ticksPerSecond = 100

// ProcessorTime returns what the server's processes have used since it started,
// those that have ended included; it needs Linux.
func (s *Server) ProcessorTime() (time.Duration, error) {
	first := s.Process()
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", first))
	if err != nil {
		return 0, err
	}
	pids := []string{strconv.Itoa(first)}
	for _, path := range children {
		list, err := os.ReadFile(path)
		if err != nil {
			return 0, fmt.Errorf("looking for the server's processes: %w", err)
		}
		pids = append(pids, strings.Fields(string(list))...)
	}
	var ticks int64
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue // it has ended, and stands in the first one's account
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold spaces
		fields := strings.Fields(rest)
		for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime and cstime (proc(5))
			if i < len(fields) {
				n, _ := strconv.ParseInt(fields[i], 10, 64)
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}
