package enroll

import (
	"crypto/subtle"

	"github.com/touchmark/touchmark/ca"
)

// BindingRule says what becomes of a CSR that is bound to the TLS connection that it
// comes by, so that nobody in between can have passed it on (RFC 7030, section 3.5).
type BindingRule string

// Every rule.
const (
	// BindingOff looks at no binding.
	BindingOff BindingRule = "off"
	// BindingOffered refuses a binding to another connection. A CSR without one is as
	// good.
	BindingOffered BindingRule = "offered"
	// BindingRequired refuses a CSR without one as well.
	BindingRequired BindingRule = "required"
)

// BindingRules lists every rule.
func BindingRules() []BindingRule {
	return []BindingRule{BindingOff, BindingOffered, BindingRequired}
}

// bound is a CSR that may name a TLS connection.
type bound interface{ ChannelBinding() ([]byte, error) }

// check refuses a CSR that is bound to another connection than the one that it came
// by, or to none where the rule wants one. Where no connection could be named it has
// nothing to say.
func (rule BindingRule) check(channel Channel, csr bound) *Refusal {
	if channel == nil || rule == BindingOff {
		return nil
	}
	offered, err := csr.ChannelBinding()
	switch {
	case err != nil:
		return Refuse(BadCSR, "%v", err)
	case offered == nil && rule == BindingRequired:
		return Refuse(BadCSR, "the request is not bound to its TLS connection; put tls-unique (TLS 1.2) or tls-exporter (TLS 1.3) into it in base64 as challengePassword, and sign it anew for each connection")
	case offered == nil:
		return nil
	}
	known := channel.Binding(len(offered))
	if len(known) != len(offered) || subtle.ConstantTimeCompare(known, offered) != 1 {
		return Refuse(BadCSR, "the request's challengePassword is that of another TLS connection, and somebody may have passed it on; put %s of this connection there and sign anew, or leave the attribute out", nameOfBinding(len(offered)))
	}
	return nil
}

func nameOfBinding(octets int) string {
	if octets == ca.TLSUniqueSize {
		return "tls-unique"
	}
	return "tls-exporter"
}
