package policy

// Field names a member of a policy.
type Field string

// Every field of a policy that can be inherited.
const (
	FieldProfile            Field = "profile"
	FieldLifetime           Field = "lifetime"
	FieldKeys               Field = "keys"
	FieldKeyProtection      Field = "key_protection"
	FieldEvidence           Field = "evidence"
	FieldRenewalWindow      Field = "renewal_window"
	FieldGrace              Field = "grace"
	FieldForks              Field = "forks"
	FieldApproval           Field = "approval"
	FieldApprovalOver       Field = "approval_over"
	FieldApprovalLifetime   Field = "approval_lifetime"
	FieldOwnerInCertificate Field = "owner_in_certificate"
)

// memberLoosen is the member of a Config that is about fields, and none itself.
const memberLoosen = "loosen"

// Fields lists every field, in the order in which they are told.
func Fields() []Field {
	return []Field{
		FieldProfile, FieldLifetime, FieldKeys, FieldKeyProtection, FieldEvidence, FieldRenewalWindow,
		FieldGrace, FieldForks, FieldApproval, FieldApprovalOver, FieldApprovalLifetime, FieldOwnerInCertificate,
	}
}

// index is a field's place in Fields, by which all tables of a policy go.
type index int

const (
	profile index = iota
	lifetime
	keys
	keyProtection
	evidence
	renewalWindow
	grace
	forks
	approval
	approvalOver
	approvalLifetime
	ownerInCertificate

	fieldCount
)

func (i index) field() Field { return Fields()[i] }

// order is what tighter means for a field.
type order int

const (
	smaller   order = iota // durations, numbers, and refuse (0) before allow (1)
	fewer                  // sets of what is accepted
	more                   // sets of what waits
	unordered              // there is no tighter, only the same
)

func (i index) order() order {
	switch i {
	case keys, keyProtection, evidence:
		return fewer
	case approval:
		return more
	case profile, ownerInCertificate:
		return unordered
	default:
		return smaller
	}
}
