package resource

import "time"

// Ownership says who is to own a device; what is omitted stays as it is, and an empty
// text leaves nobody.
type Ownership struct {
	User    *string `json:"user,omitempty" doc:"A person: person:<32 hexadecimal digits>, or oidc:<issuer>#<subject>"`
	Group   *string `json:"group,omitempty" doc:"A group: group:<issuer>#<group>, whose members own the device too"`
	Comment string  `json:"comment,omitempty" doc:"Why, for the log; at most 1,024 bytes"`
}

// User is a person as records and devices name them.
type User struct {
	ID        string     `json:"id" doc:"Pseudonymous id: person:<32 hexadecimal digits>"`
	User      string     `json:"user" doc:"Whom it stands for: oidc:<issuer>#<subject>"`
	Name      string     `json:"name" doc:"For people to read; empty until they did something"`
	FirstSeen *time.Time `json:"first_seen" doc:"When they first did something that was recorded; null before"`
}

// ClaimCodeDraw asks for a claim code.
type ClaimCodeDraw struct {
	ExpiresIn int `json:"expires_in,omitempty" minimum:"60" maximum:"7776000" doc:"Seconds; 7 days where omitted, at most 90 days"`
}

// ClaimCode is the code by which a person claims a device, told once.
type ClaimCode struct {
	Device    string    `json:"device"`
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// StartedClaim is a claim that a device started. It shows the code to whoever stands
// before it, and asks every interval what became of it.
type StartedClaim struct {
	ID        string    `json:"id"`
	UserCode  string    `json:"user_code" example:"WDJB-MJHT" doc:"Told once"`
	ExpiresAt time.Time `json:"expires_at"`
	Interval  int       `json:"interval" doc:"Seconds to wait between two questions"`
}

// ClaimState is what became of a claim that a device started.
type ClaimState struct {
	ID    string `json:"id"`
	State string `json:"state" enum:"waiting,confirmed,denied,expired"`
}

// ClaimAnswer is what a person answers a claim with.
type ClaimAnswer struct {
	Code string `json:"code" maxLength:"64" doc:"The code that was drawn for the device, or that it shows"`
}

// Claim is the device that a code opens.
type Claim struct {
	Device    string    `json:"device"`
	Model     string    `json:"model"`
	Serial    string    `json:"serial" doc:"The device's serial number"`
	ByDevice  bool      `json:"by_device" doc:"The device asked for it, and shows the code; else the code was drawn for whoever unpacks it"`
	ExpiresAt time.Time `json:"expires_at"`
}

// TransferOffer says whom a device is offered to.
type TransferOffer struct {
	To string `json:"to" doc:"A person: person:<32 hexadecimal digits>, or oidc:<issuer>#<subject>"`
}

// Transfer is a device that its owner offers to somebody else.
type Transfer struct {
	Device    string    `json:"device"`
	Model     string    `json:"model"`
	From      string    `json:"from" doc:"Pseudonymous id of the owner"`
	To        string    `json:"to" doc:"Pseudonymous id of whom it is offered to"`
	OfferedAt time.Time `json:"offered_at"`
	ExpiresAt time.Time `json:"expires_at"`
}
