package contender

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// FindPostgres returns the folder of the newest PostgreSQL server's programs on
// this machine, where Debian puts them or where the PATH leads; "" if there is
// none.
func FindPostgres() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is not malformed
	newest, version := "", -1
	for _, path := range found {
		folder := filepath.Dir(path)
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil && n > version {
			newest, version = folder, n
		}
	}
	if newest != "" {
		return newest
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	if path, err = filepath.EvalSymlinks(path); err != nil { // createdb and postgres are beside the program
		return ""
	}
	return filepath.Dir(path)
}

// PostgresVersion asks the server in a folder for its version, such as "15.16";
// "" if it does not tell.
func PostgresVersion(programs string) string {
	said, _ := exec.Command(filepath.Join(programs, "postgres"), "--version").Output()
	_, version, _ := strings.Cut(string(said), ") ") // postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)
	version, _, _ = strings.Cut(strings.TrimSpace(version), " ")
	return version
}
