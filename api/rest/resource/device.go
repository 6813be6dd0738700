package resource

import "time"

// Device is a device with its newest certificates; in a list with the newest
// only.
type Device struct {
	ID         string  `json:"id" example:"TH20-SN1"`
	URN        string  `json:"urn" doc:"RFC 9039" example:"urn:dev:ops:32473-TH20-SN1"`
	State      string  `json:"state" enum:"expected,active,held,revoked,retired"`
	Fleet      string  `json:"fleet"`
	Model      string  `json:"model"`
	Serial     string  `json:"serial" doc:"The device's serial number"`
	Order      *string `json:"order" doc:"The order that it was enrolled under, or is expected by"`
	Owner      *string `json:"owner" doc:"Pseudonymous id of the person who answers for it"`
	OwnerGroup *string `json:"owner_group" doc:"The group whose members own it too"`
	// KeyProtection is what its station said, if one did.
	KeyProtection string        `json:"key_protection,omitempty" enum:"software,tpm,secure-element" doc:"Where its key is kept, as its station said; omitted for in software, and where nobody said"`
	Certificates  []Certificate `json:"certificates" nullable:"false" doc:"Newest first"`
	// MoreCertificates says that there are older ones, which the list of
	// certificates tells.
	MoreCertificates bool      `json:"more_certificates,omitempty" doc:"There are older ones; list them with GET /api/v1/certificates?device="`
	CreatedAt        time.Time `json:"created_at"`
	ChangedAt        time.Time `json:"changed_at"`

	CloneSuspectedAt *time.Time `json:"clone_suspected_at,omitempty" doc:"When a second key was last shown for it"`
	ForkedAt         *time.Time `json:"forked_at,omitempty" doc:"When its lineage was last seen to fork"`
	ReenrolUntil     *time.Time `json:"reenrol_until,omitempty" doc:"Until when it may be enrolled with another key, once"`
}

// Certificate is one certificate.
type Certificate struct {
	Serial      string     `json:"serial" doc:"40 hexadecimal digits"`
	Device      *string    `json:"device" doc:"null for Touchmark's own"`
	Issuer      string     `json:"issuer" doc:"Id of the issuer"`
	Profile     string     `json:"profile"`
	NotBefore   time.Time  `json:"not_before"`
	NotAfter    time.Time  `json:"not_after"`
	Status      string     `json:"status" enum:"good,held,revoked,expired"`
	Reason      *string    `json:"reason" doc:"Why it was held or revoked (RFC 5280, section 5.3.1)"`
	RevokedAt   *time.Time `json:"revoked_at" doc:"When it was held or revoked"`
	Predecessor *string    `json:"predecessor" doc:"The certificate that it renewed; null for the first of a lineage"`
	Key         string     `json:"key" doc:"SHA-256 of the SubjectPublicKeyInfo"`
	// PEM is told of a certificate that is asked for alone.
	PEM string `json:"certificate,omitempty" doc:"PEM; not in lists"`
}
