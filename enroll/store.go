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
	// ErrNotLeading is returned by Leading for a term that is over.
	ErrNotLeading = errors.New("another node has taken the lead")
	// ErrStoreUnavailable is wrapped by an Update that wrote nothing, or whose
	// outcome could not be learned, because the store cannot promise durability.
	ErrStoreUnavailable = errors.New("store unavailable")
	// ErrStoreInUse is wrapped where a store is opened that one process at a time
	// can have, and another has it.
	ErrStoreInUse = errors.New("in use by another process")
	// ErrStoreNewer is wrapped where a newer program has changed the store's schema,
	// so that this one cannot work with it.
	ErrStoreNewer = errors.New("written by a newer Touchmark")
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
	// Lead makes this node the one that does a task, or keeps it so, for LeadTerm
	// from now, and returns the token of its term, which grows from term to term;
	// 0 while another node leads. A store that one process alone can open always
	// lets it lead. Close gives up every lead.
	Lead(ctx context.Context, task Task) (token uint64, err error)
	// Elsewhere returns a channel that holds a token while the log may have grown by
	// what other nodes did; nil for a store that one process alone can open.
	Elsewhere() <-chan struct{}
	// Failed is closed once the store can promise nothing any more, as after a
	// failed fsync: every later Update returns ErrStoreUnavailable, and the process
	// should end. A restart needs no repair.
	Failed() <-chan struct{}
	// Close waits for transactions in flight. The store cannot be used afterwards.
	Close() error
}

// Reader reads one snapshot. What it returns belongs to the caller. Lookups
// return ErrNotFound for what is not there. Within an Update, lookups see the
// transaction's own writes; lists show what was committed before it. Lists without
// a filter come by key, octet by octet. The root of the fleet tree needs no row.
type Reader interface {
	Installation() (Installation, error)
	Person(pseudonym string) (Person, error)
	// People lists those whom pseudonymous ids stand for, by id.
	People(Page) (List[Person], error)
	Issuers() ([]IssuerRecord, error)

	Fleet(id identity.FleetID) (identity.Fleet, error)
	// Children lists the fleets directly below parent, by name; with a name only
	// the one called that.
	Children(parent identity.FleetID, name string, page Page) (List[identity.Fleet], error)

	// Document returns a document's data.
	Document(kind DocumentKind, key string) ([]byte, error)
	// Documents lists those of a kind whose keys begin with prefix, by key, octet by
	// octet; without a kind all there are, whatever prefix says, by kind and key. A
	// part has at most MaxDocumentPart bytes of data.
	Documents(kind DocumentKind, prefix string, page Page) (List[Document], error)

	Order(id OrderID) (Order, error)
	Orders(OrderFilter) (List[Order], error)
	Device(id identity.DeviceID) (Device, error)
	Devices(DeviceFilter) (List[Device], error)
	Certificate(serial ca.Serial) (Certificate, error)
	Certificates(CertificateFilter) (List[Certificate], error)
	Key(hash ca.KeyHash) (KeyUse, error)
	// Keys lists the public keys that are known, by hash.
	Keys(Page) (List[KnownKey], error)

	Shard(ShardKey) (Shard, error)
	Shards(Page) (List[Shard], error)
	// CRL returns the last CRL of a shard, DER.
	CRL(ShardKey) ([]byte, error)
	// CRLEntries returns a shard's entries, pre-encoded and concatenated in order
	// of serial number, and how many there are.
	CRLEntries(ShardKey) (der []byte, n int, err error)

	Records(RecordFilter) (List[Record], error)
	// Segment returns the first segment of a kind whose Last is at or above at; with
	// an empty at the last segment of all.
	Segment(kind SegmentKind, at []byte) (Segment, error)
	// Segments lists the segments of a kind, oldest first.
	Segments(kind SegmentKind, page Page) (List[Segment], error)
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
	// PutFleet makes a fleet, or renames and moves it, which touches nothing below it.
	PutFleet(identity.Fleet) error
	// DeleteFleet deletes a fleet; its name is free again. What is not there is deleted
	// already. Nothing else is looked at: the caller has the transaction to make sure
	// that nothing lies in it or below it.
	DeleteFleet(identity.FleetID) error
	// PutDocument writes a document, of up to MaxDocument bytes, which may be none,
	// under a key of 1 to MaxDocumentKey bytes of printable ASCII.
	PutDocument(kind DocumentKind, key string, data []byte) error
	// DeleteDocument deletes a document. What is not there, or cannot be, is deleted
	// already.
	DeleteDocument(kind DocumentKind, key string) error
	PutOrder(Order) error
	// TakeQuota counts one more device enrolled under the order, or returns
	// ErrQuota. It is exact however many nodes enrol at once.
	TakeQuota(OrderID) error
	// PutEnrolled sets how many devices are enrolled under an order, whatever its
	// quantity: for a copy of another store.
	PutEnrolled(order OrderID, n int) error
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

	// AppendRecord adds a record as it stands in another log; its index must be the
	// next that the log gives: for a copy of another store, which nobody else uses.
	AppendRecord(Record) error

	// Leading returns ErrNotLeading unless token is that of the task's present term
	// and this node's. Where it returns nil nobody else leads before the commit.
	Leading(task Task, token uint64) error
	// PutSegment records a file of the archive.
	PutSegment(Segment) error
	// DeleteCertificate deletes a certificate and its place in its device's lineage;
	// it stands in the archive. What is not there is deleted already.
	DeleteCertificate(ca.Serial) error
	// DeleteKey forgets a public key.
	DeleteKey(ca.KeyHash) error
	// DropRecords deletes the records below the index before, a multiple of 256, and
	// their places in the stories of devices; they stand in the archive. The log
	// keeps the hashes of its tree from height 8 up.
	DropRecords(before uint64) error
}
