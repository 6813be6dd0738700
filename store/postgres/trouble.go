package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/touchmark/touchmark/enroll"
)

// trouble is what an error of the database means for a batch.
type trouble int

const (
	// conflict: other nodes were in the way; the same again, at once.
	conflict trouble = iota
	// outage: the connection or the server is gone; the same again, later.
	outage
	// fault: the same again would fail the same.
	fault
)

// SQLSTATEs (PostgreSQL, appendix A).
const (
	stateUniqueViolation  = "23505"
	stateReadOnly         = "25006" // a standby that was a primary, or will be
	stateIdleTimeout      = "25P03"
	stateSerialization    = "40001"
	stateDeadlock         = "40P01"
	stateLockNotAvailable = "55P03"
	stateDiskFull         = "53100" // nothing was written, and trying again does not make room
	stateDuplicateTable   = "42P07" // two nodes made the same at once
	stateDuplicateObject  = "42710"
)

// troubleOf tells what err means.
func troubleOf(err error) trouble {
	var said *pgconn.PgError
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) || !errors.As(err, &said) {
		return outage // of the connection: the server said nothing
	}
	switch said.Code {
	case stateUniqueViolation, stateSerialization, stateDeadlock, stateLockNotAvailable, stateDuplicateTable, stateDuplicateObject:
		return conflict
	case stateReadOnly, stateIdleTimeout:
		return outage
	}
	for _, class := range []string{"08", "53", "57", "58"} { // connection, resources, intervention, system
		if strings.HasPrefix(said.Code, class) {
			return outage
		}
	}
	return fault
}

// turnsAway reports whether the server answers and will not have us, whatever is
// tried again: who we say we are, the database, or a setting in the URL.
func turnsAway(err error) bool {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return false
	}
	for _, class := range []string{"28", "3D", "42"} { // authorization, catalog name, access
		if strings.HasPrefix(said.Code, class) && said.Code != stateDuplicateTable && said.Code != stateDuplicateObject {
			return true
		}
	}
	return false
}

// isState reports whether the server answered with the SQLSTATE.
func isState(err error, state string) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == state
}

// unavailable is what callers are told of an outage.
func unavailable(err error) error {
	return fmt.Errorf("%w: the database does not answer as it should; check that it runs, takes writes and has room: %w", enroll.ErrStoreUnavailable, err)
}

// errRolledBack is what the server has never been seen to do.
var errRolledBack = errors.New("the server rolled back what it was told to commit")

// errClosed is what a closed store answers.
var errClosed = fmt.Errorf("%w: it was closed", enroll.ErrStoreUnavailable)
