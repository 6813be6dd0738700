package enroll

import (
	"fmt"
	"strings"
)

// DocumentKind says what a document is about. A store keeps documents octet by
// octet and knows nothing of them; each kind has its own form in this package.
type DocumentKind string

// Every kind of document, and what its keys are.
const (
	// RevisionDocument changes with every change of what decisions rest on: the
	// fleet tree, policies, grants, roles and tokens. Its one key is "authority".
	RevisionDocument DocumentKind = "revision"
	PolicyDocument   DocumentKind = "policy" // fleet's id
	// A grant stands under its id, under whom it is for, and under its fleet.
	GrantDocument       DocumentKind = "grant"        // grant's id
	GrantOfDocument     DocumentKind = "grant-of"     // hash of principal or group, "/", grant's id
	GrantAtDocument     DocumentKind = "grant-at"     // fleet's id, "/", grant's id
	RoleDocument        DocumentKind = "role"         // role's name
	TokenDocument       DocumentKind = "token"        // token's id
	TokenOfDocument     DocumentKind = "token-of"     // hash of its maker, "/", token's id
	TokenAtDocument     DocumentKind = "token-at"     // fleet's id, "/", token's id
	TokenUseDocument    DocumentKind = "token-use"    // token's id
	EndDocument         DocumentKind = "end"          // when a grant or a token ends, "/", which of them, "/", its id
	MembershipDocument  DocumentKind = "membership"   // person's pseudonym
	ApprovalDocument    DocumentKind = "approval"     // request's id
	ApprovalForDocument DocumentKind = "approval-for" // what waits, hashed
	ApprovalOfDocument  DocumentKind = "approval-of"  // hash of who answers for what waits, "/", request's id
	ClaimDocument       DocumentKind = "claim"        // hash of the code
	ClaimOfDocument     DocumentKind = "claim-of"     // device's id
	OwnedDocument       DocumentKind = "owned"        // hash of person or group, "/", device's id
	TransferDocument    DocumentKind = "transfer"     // device's id
	TransferToDocument  DocumentKind = "transfer-to"  // hash of the person it is offered to, "/", device's id
	JobDocument         DocumentKind = "job"          // job's id
	JobOpenDocument     DocumentKind = "job-open"     // job's id, while it is not done
	FleetCountDocument  DocumentKind = "fleet-count"  // id of a fleet right below the root
	GuardDocument       DocumentKind = "guard"        // fleet's id
	FleetGoneDocument   DocumentKind = "fleet-gone"   // id of a fleet that was deleted
	// LogKeysDocument names the keys that the log has had. Its one key is "keys".
	LogKeysDocument DocumentKind = "log-keys"
)

// Bounds of a document.
const (
	// MaxDocumentKey bounds a key, in bytes; it is printable ASCII.
	MaxDocumentKey = 255
	// MaxDocument bounds a document, in bytes.
	MaxDocument = 256 << 10
	// MaxDocumentKind bounds the name of a kind, in bytes; it is printable ASCII.
	MaxDocumentKind = 64
	// MaxDocumentPart bounds the data in one part of a list of documents, in bytes.
	MaxDocumentPart = 16 * MaxDocument
)

// Document is something small that the service keeps beside the rows which have a
// form of their own: rarely written, often read.
type Document struct {
	Kind DocumentKind
	Key  string
	Data []byte
}

// Check returns why the document cannot be kept: its key, or the name of its kind,
// is empty, too long or not printable ASCII, or it has too much data. It is for
// stores.
func (d Document) Check() error {
	for _, name := range []struct {
		what, text string
		most       int
	}{{"kind", string(d.Kind), MaxDocumentKind}, {"key", d.Key, MaxDocumentKey}} {
		outside := func(c rune) bool { return c < ' ' || c > '~' }
		if name.text == "" || len(name.text) > name.most || strings.ContainsFunc(name.text, outside) {
			return fmt.Errorf("the document %.40q %.80q cannot be kept: its %s has 1 to %d characters of printable ASCII", d.Kind, d.Key, name.what, name.most)
		}
	}
	if len(d.Data) > MaxDocument {
		return fmt.Errorf("the document %s %s of %d bytes cannot be kept: at most %d", d.Kind, d.Key, len(d.Data), MaxDocument)
	}
	return nil
}
