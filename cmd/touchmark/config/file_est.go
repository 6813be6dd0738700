package config

// EST says what devices may and must do over EST (RFC 7030).
type EST struct {
	// ChannelBinding says what becomes of a CSR that names the TLS connection that it
	// comes by in its challenge password (RFC 7030, section 3.5): offered, the default,
	// refuses one that names another; required refuses one that names none besides, and
	// with it curl, openssl and strongSwan; off looks at no such name.
	ChannelBinding string `yaml:"channel_binding"`
	// ServerKeygen has Touchmark make keys for devices that ask for one (RFC 7030,
	// section 4.4), and hand them over under TLS. Nothing keeps them. Off by default:
	// devices had best make their own.
	ServerKeygen bool `yaml:"server_keygen"`
}
