package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// What a store answers besides success.
var (
	// ErrNotFound is returned for what is not there.
	ErrNotFound = errors.New("not found")
	// ErrQuota is returned by TakeQuota when the order is full.
	ErrQuota = errors.New("quota used up")
	// ErrCursor is returned for a Page.After that no list of this kind gave out.
	ErrCursor = errors.New("malformed cursor")
	// ErrStoreUnavailable is wrapped by an Update that wrote nothing, or whose
	// outcome could not be learned, because the store cannot promise durability.
	ErrStoreUnavailable = errors.New("store unavailable")
)

// Store keeps what must not be lost. Its implementations are the packages below
// store/, and store/storetest holds each of them to this contract.
//
// Transactions are serializable: every View and Update sees all Updates that
// returned before it began, and none in part.
//
// A context bounds the wait before fn runs, never a commit in flight.
type Store interface {
	// View runs fn on a consistent snapshot.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn and makes what it wrote durable, all or nothing, before it
	// returns nil. When fn returns an error or panics nothing is written, and the
	// error is returned or the panic goes on. fn may run more than once, on
	// another goroutine, touches nothing but its Tx and variables that it sets
	// anew each time, and never waits for anything (it never signs). Concurrent
	// Updates share commits; one that fails costs the others nothing. An unknown
	// outcome is resolved by running the same transaction again, never guessed.
	Update(ctx context.Context, fn func(Tx) error) error
	// Failed is closed once the store can promise nothing any more, as after a
	// failed fsync: every later Update returns ErrStoreUnavailable, and the process
	// should end. A restart needs no repair.
	Failed() <-chan struct{}
	// Close waits for transactions in flight. The store cannot be used afterwards.
	Close() error
}

// Reader reads one snapshot. What it returns belongs to the caller. Lookups
// return ErrNotFound for what is not there. Within an Update, lookups see the
// transaction's own writes; lists show what was committed before it.
type Reader interface {
	Installation() (Installation, error)
	Person(pseudonym string) (Person, error)
	Issuers() ([]IssuerRecord, error)

	Fleet(id identity.FleetID) (identity.Fleet, error)
	// Children lists the fleets directly below parent, by name; with a name only
	// the one called that.
	Children(parent identity.FleetID, name string, page Page) (List[identity.Fleet], error)

	Order(id OrderID) (Order, error)
	Orders(OrderFilter) (List[Order], error)
	Device(id identity.DeviceID) (Device, error)
	Devices(DeviceFilter) (List[Device], error)
	Certificate(serial ca.Serial) (Certificate, error)
	Certificates(CertificateFilter) (List[Certificate], error)
	Key(hash ca.KeyHash) (KeyUse, error)

	Shard(ShardKey) (Shard, error)
	Shards(Page) (List[Shard], error)
	// CRL returns the last CRL of a shard, DER.
	CRL(ShardKey) ([]byte, error)
	// CRLEntries returns a shard's entries, pre-encoded and concatenated in order
	// of serial number, and how many there are.
	CRLEntries(ShardKey) (der []byte, n int, err error)

	Records(RecordFilter) (List[Record], error)
	// TreeSize returns the number of sequenced records.
	TreeSize() (uint64, error)
	// Hashes reads the log's Merkle tree, as tlog stores it.
	Hashes() tlog.HashReader
}

// Tx reads and writes one transaction. Puts replace the whole record.
type Tx interface {
	Reader

	PutInstallation(Installation) error
	PutPerson(Person) error
	PutIssuer(IssuerRecord) error
	PutFleet(identity.Fleet) error
	PutOrder(Order) error
	// TakeQuota counts one more device enrolled under the order, or returns
	// ErrQuota. It is exact however many nodes enrol at once.
	TakeQuota(OrderID) error
	// CountRefusal counts n refusals of the order's devices.
	CountRefusal(order OrderID, code Code, n int) error
	PutDevice(Device) error
	PutCertificate(Certificate) error
	PutKey(ca.KeyHash, KeyUse) error

	PutShard(Shard) error
	DeleteShard(ShardKey) error // with its CRL and entries
	PutCRL(ShardKey, []byte) error
	PutCRLEntry(key ShardKey, serial ca.Serial, der []byte) error
	DeleteCRLEntry(key ShardKey, serial ca.Serial) error
	// DeleteCRLEntries deletes a shard's entries of serial numbers below before.
	DeleteCRLEntries(key ShardKey, before ca.Serial) error

	// Append adds an event to the log. It is numbered at or after the commit.
	Append(Event) error
}
