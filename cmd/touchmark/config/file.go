package config

import "github.com/touchmark/touchmark/ca/keys"

// File is touchmark.yaml as it is written. Every key is optional unless it says
// otherwise; durations are like 90s, 15m, 24h or 365d. A key with the tag
// reload:"live" takes effect on SIGHUP, with all that is below it; others need a
// restart.
type File struct {
	// Store is where everything is kept, as a URL: bolt:///absolute/path or
	// bolt:relative/path for one machine, postgres://… for many. Required.
	Store string `yaml:"store"`
	// PEN is your IANA private enterprise number, which stands in the devices' URNs
	// (RFC 9039). Required; 32473 is for examples alone.
	PEN uint32 `yaml:"pen"`
	// Names are DNS names and IP addresses that clients reach the device and api
	// listeners by, besides localhost, 127.0.0.1 and ::1.
	Names []string `yaml:"names" reload:"live"`
	// Device is the listener for devices, stations and services: EST, and the
	// stations' part of the REST API, over TLS 1.2 or better. 127.0.0.1:8443 unless
	// its addr says otherwise.
	Device Listener `yaml:"device"`
	// EST says what devices may and must do over EST.
	EST EST `yaml:"est"`
	// API is the listener for people and programs: REST over TLS 1.3.
	// 127.0.0.1:9443 unless its addr says otherwise.
	API Listener `yaml:"api"`
	// Status is the public listener: CRLs, OCSP, issuers' certificates and health,
	// over plain HTTP.
	Status Status `yaml:"status"`
	// Metrics is the listener for Prometheus.
	Metrics Metrics `yaml:"metrics"`
	// CA says what is signed with.
	CA CA `yaml:"ca"`
	// Profiles are the kinds of certificate that orders choose from. One is called
	// default; without any, default has the defaults of each key.
	Profiles []Profile `yaml:"profiles" reload:"live"`
	// OIDC says whose tokens are believed.
	OIDC OIDC `yaml:"oidc"`
	// Roles gives each of a provider's groups one role: admin, operator, security,
	// auditor or station, on the whole tree. Grants give roles on branches besides
	// (docs/operations/access.md); by these here the first administrators come in. They
	// hold for every provider that has no roles of its own; with several providers give
	// each its own, or a partner's group is yours by its name alone.
	Roles Roles `yaml:"roles" reload:"live"`
	// Log is the audit log.
	Log Log `yaml:"log"`
	// CRL says how revocation lists are made.
	CRL CRL `yaml:"crl"`
	// Archive says what leaves the store, and where it goes.
	Archive Archive `yaml:"archive"`
	// ReenrolWindow is how long a permission to enrol a device again lasts; 24h.
	ReenrolWindow string `yaml:"reenrol_window" reload:"live"`
	// Access says how long power lasts that nobody renews.
	Access Access `yaml:"access"`
	// LogLevel is how much the server says on standard error: debug, info, warn or
	// error; info by default. serve --log-level, where it is given, stands instead.
	LogLevel string `yaml:"log_level" reload:"live"`
	// Limits say what happens when more is asked for than can be done.
	Limits Limits `yaml:"limits"`
	// Clock says how far the machine's clock may be off before nothing is issued by it.
	Clock Clock `yaml:"clock"`
	// Disk says how much room there should be.
	Disk Disk `yaml:"disk"`
}

// Clock says how far the machine's clock may be off (docs/operations/clock.md).
type Clock struct {
	// Tolerance is how far the clock may be behind the last record, or apart from the
	// clock of the database: 1s to 1h; 2m by default.
	Tolerance string `yaml:"tolerance"`
	// MaxJump is how far it may jump ahead while the server runs, as a machine's does
	// that was paused: 1m to 30d; 1h by default.
	MaxJump string `yaml:"max_jump"`
	// MaxIdle is how old the last record may be at a start: 1d to 10 years; 180d by
	// default. A server that runs records its own certificates more often.
	MaxIdle string `yaml:"max_idle"`
}

// Disk says how much room there should be where the store's file and the archive
// are, in MiB or GiB, 64MiB at the least.
type Disk struct {
	// Low is below how much there is an alarm; 2GiB by default.
	Low string `yaml:"low"`
	// Stop is below how much devices are not enrolled any more; below a quarter of it
	// they do not renew either. Revocation is never refused. 256MiB by default; off for
	// never, where a full disk is prevented by other means.
	Stop string `yaml:"stop"`
}

// Listener is a TLS listener. Its certificate is made, and made anew, by
// itself.
type Listener struct {
	// Addr is host:port; an empty host means every address of the machine.
	Addr string `yaml:"addr"`
	// MaxConnections is how many clients may be connected at once, 1 to 1,000,000;
	// 10,000 by default. Further ones wait.
	MaxConnections int `yaml:"max_connections"`
}

// Status is the public listener.
type Status struct {
	// Addr is host:port; 127.0.0.1:8080 by default.
	Addr string `yaml:"addr"`
	// MaxConnections is as in Listener.
	MaxConnections int `yaml:"max_connections"`
	// PublicURL is what CRL, OCSP and issuer addresses in certificates begin with:
	// http://host[:port][/path], as the whole world reaches this listener. It stands
	// in every certificate for as long as that lives. Required.
	PublicURL string `yaml:"public_url" reload:"live"`
	// ParentCRLs are files with the CRLs of the CAs above the issuers, DER or PEM,
	// for bundle.pem. They are read again when they change.
	ParentCRLs []string `yaml:"parent_crls" reload:"live"`
}

// Metrics is the listener for Prometheus.
type Metrics struct {
	// Addr is host:port; 127.0.0.1:9090 by default, and off for no such listener.
	Addr string `yaml:"addr"`
	// Pprof adds Go's profiles under /debug/pprof/. They tell much about a process.
	Pprof bool `yaml:"pprof" reload:"live"`
}

// CA says what is signed with.
type CA struct {
	// Anchor is the file with the corporate root's certificate, PEM. Required.
	Anchor string `yaml:"anchor" reload:"live"`
	// Dir is the folder of the issuers, which ca request and ca install fill; pki
	// by default.
	Dir string `yaml:"dir" reload:"live"`
	// Passphrase opens the issuing keys that lie in Dir, and is the PIN of those in
	// an HSM: one of file, env (an environment variable) and credential (of systemd).
	Passphrase keys.PassphraseConfig `yaml:"passphrase" reload:"live"`
}

// Profile is a kind of certificate.
type Profile struct {
	// Name is 1 to 64 of a-z, 0-9, '.', '_' and '-'. Required.
	Name string `yaml:"name"`
	// Lifetime is 1m to 30 years; 24h by default.
	Lifetime string `yaml:"lifetime"`
	// Backdate is how far before its issuance a certificate begins to be good, for
	// devices whose clock is late: up to 24h; 1m by default.
	Backdate string `yaml:"backdate"`
	// NoRevAvail has certificates rely on their expiry alone (RFC 9608).
	NoRevAvail bool `yaml:"no_rev_avail"`
	// OwnerURN has certificates name the device's owner, by pseudonym, among their
	// subject alternative names: urn:uuid:… (RFC 9562, section 5.8).
	OwnerURN bool `yaml:"owner_urn"`
}

// OIDC says whose tokens are believed.
type OIDC struct {
	// Providers are the organisation's OpenID Connect providers.
	Providers []Provider `yaml:"providers" reload:"live"`
	// CA is a file with CA certificates, PEM, that the providers' TLS is judged by
	// besides the machine's own.
	CA string `yaml:"ca" reload:"live"`
}

// Provider is one OpenID Connect provider.
type Provider struct {
	// Issuer is the provider's issuer URL, exactly as it stands in tokens: https, or
	// http on this machine. Required.
	Issuer string `yaml:"issuer"`
	// Audience is what access tokens for Touchmark carry in aud. Required.
	Audience string `yaml:"audience"`
	// GroupsClaim is the claim that lists a person's groups; groups by default. A
	// claim within another is written with dots, as Keycloak's realm_access.roles;
	// where the token has a claim of that very name, as cognito:groups or
	// https://example.com/groups, it is that one. A path with a slash in front is a
	// JSON Pointer (RFC 6901) and never a name: /resource_access/my.client/roles.
	GroupsClaim string `yaml:"groups_claim"`
	// SubjectClaim is the claim that names a person for good, written as GroupsClaim;
	// sub by default, oid is Microsoft Entra's. E-mail addresses and names, such as
	// email, upn or preferred_username, are refused: they become somebody else's.
	SubjectClaim string `yaml:"subject_claim"`
	// Roles are as those at the top, for this provider's groups alone. Where they are
	// given, those at the top mean nothing to it: {} for no roles at all.
	Roles Roles `yaml:"roles"`
	// Algorithms are the JWS algorithms that are believed; RS256, PS256, ES256,
	// ES384 and EdDSA by default.
	Algorithms []string `yaml:"algorithms"`
	// AcceptIDTokens takes ID tokens as well. They were made for the client that
	// signed in, not for an API.
	AcceptIDTokens bool `yaml:"accept_id_tokens"`
}

// Roles maps groups to roles, by their names.
type Roles map[string]string

// Log is the audit log.
type Log struct {
	// Key is the file with the Ed25519 key that signs checkpoints, in the form of
	// golang.org/x/mod/sumdb/note. Required.
	Key string `yaml:"key" reload:"live"`
	// FormerKeys are files with the keys before it, in the same form, which go on
	// signing checkpoints besides it until whoever checks them has the new public key.
	// The newest of them says in the log that Key takes its place.
	FormerKeys []string `yaml:"former_keys" reload:"live"`
	// Origin is the log's name, as it stands in the key and in every checkpoint,
	// such as touchmark.example.com/log. Required.
	Origin string `yaml:"origin"`
}

// CRL says how revocation lists are made.
type CRL struct {
	// Lifetime is from a CRL's thisUpdate to its nextUpdate: 1m to 90d; 24h by
	// default. A changed list is published at once, whatever it says.
	Lifetime string `yaml:"lifetime" reload:"live"`
}

// Archive says what leaves the store, so that it grows with the number of devices
// alone, and where it goes. What left is found as before.
type Archive struct {
	// Dir is the folder of the archive's files; data/archive by default. It is made
	// where there is none, and has to be kept for as long as the store: nothing in it
	// is anywhere else. With several nodes on one database it is one folder that all
	// of them see.
	Dir string `yaml:"dir"`
	// CertificatesAfter is how long a certificate stays after it expired: 1h to 10
	// years; 168h by default.
	CertificatesAfter string `yaml:"certificates_after" reload:"live"`
	// RecordsAfter is how long a record of the audit log stays: 1h to 10 years; 720h
	// by default.
	RecordsAfter string `yaml:"records_after" reload:"live"`
}
