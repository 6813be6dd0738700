package resource

import "time"

// NewOrder asks for a production order. What is omitted is optional.
type NewOrder struct {
	Fleet    string     `json:"fleet" doc:"Path of a branch of the fleet tree; it is made if the caller may" example:"/berlin/line-3"`
	Model    string     `json:"model" doc:"1 to 32 of A-Z, a-z, 0-9 and the dot" example:"TH20"`
	Quantity int        `json:"quantity" doc:"1 to 10,000,000 devices" example:"100"`
	Profile  string     `json:"profile,omitempty" doc:"Certificate profile; default where omitted"`
	Opens    *time.Time `json:"opens,omitempty" doc:"From when devices may be enrolled; at once where omitted"`
	Closes   *time.Time `json:"closes,omitempty" doc:"Until when devices may be enrolled; without end where omitted"`
	Serials  []string   `json:"serials,omitempty" doc:"The manifest: only devices with these serial numbers may be enrolled"`
	Stations []string   `json:"stations,omitempty" doc:"Ids of the principals that may vouch for devices; whoami shows them"`
	// Owner and OwnerGroup take the permission device.assign.
	Owner      string `json:"owner,omitempty" doc:"Who is to own the devices: person:<32 hexadecimal digits>, or oidc:<issuer>#<subject>"`
	OwnerGroup string `json:"owner_group,omitempty" doc:"The group that is to own the devices: group:<issuer>#<group>"`
}

// OrderEdit changes an order; what is omitted stays as it is.
type OrderEdit struct {
	Quantity *int      `json:"quantity,omitempty"`
	Opens    Moment    `json:"opens,omitzero" nullable:"true" doc:"null opens the order at once"`
	Closes   Moment    `json:"closes,omitzero" nullable:"true" doc:"null leaves the order without an end"`
	Stations *[]string `json:"stations,omitempty" doc:"Replaces the whole list"`
	// Owner and OwnerGroup take the permission device.assign.
	Owner      *string `json:"owner,omitempty" doc:"Who is to own devices that are enrolled from now on; empty for nobody"`
	OwnerGroup *string `json:"owner_group,omitempty" doc:"The group that is to own them; empty for none"`
}

// Order is a production order.
type Order struct {
	ID         string         `json:"id"`
	Fleet      string         `json:"fleet"`
	Model      string         `json:"model"`
	Quantity   int            `json:"quantity"`
	Enrolled   int            `json:"enrolled" doc:"Devices enrolled so far"`
	Profile    string         `json:"profile"`
	Opens      *time.Time     `json:"opens" doc:"null where it was open from the first"`
	Closes     *time.Time     `json:"closes" doc:"null for no end"`
	Manifest   bool           `json:"manifest" doc:"Only devices on the order's manifest may be enrolled"`
	Stations   []string       `json:"stations" nullable:"false"`
	Owner      *string        `json:"owner" doc:"Pseudonymous id of who is to own the devices"`
	OwnerGroup *string        `json:"owner_group" doc:"The group that is to own them"`
	State      string         `json:"state" enum:"pending,open,closed"`
	CreatedAt  time.Time      `json:"created_at"`
	ClosedAt   *time.Time     `json:"closed_at" doc:"When it was closed by hand; null while it was not"`
	Refused    map[string]int `json:"refused" doc:"How many requests were refused, by code"`
}

// TicketDraw names the devices to draw tickets for.
type TicketDraw struct {
	Serials []string `json:"serials" nullable:"false" doc:"1 to 1,000 serial numbers"`
}

// Tickets are the tickets of one drawing, told once.
type Tickets struct {
	Items []Ticket `json:"items" nullable:"false"`
}

// Ticket is the one-time enrolment secret of one device.
type Ticket struct {
	Serial string `json:"serial" doc:"The device's serial number"`
	Ticket string `json:"ticket"`
}

// Enrolment is a station's word for a device.
type Enrolment struct {
	Serial string `json:"serial" doc:"The device's serial number" example:"SN1"`
	CSR    string `json:"csr" doc:"PKCS#10 certificate request, PEM"`
	// KeyProtection is the station's word too: fleets' policies may ask for it.
	KeyProtection string `json:"key_protection,omitempty" enum:"software,tpm,secure-element" doc:"Where the station knows the device to keep its key; in software where omitted"`
}

// Enrolled is a device's new certificate.
type Enrolled struct {
	Device      string `json:"device" doc:"The device's id"`
	Serial      string `json:"serial" doc:"The certificate's serial number, 40 hexadecimal digits"`
	Certificate string `json:"certificate" doc:"PEM"`
	Chain       string `json:"chain" doc:"PEM, the certificate first, without the root"`
}
