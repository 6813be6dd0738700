package parsed_test

import (
	"testing"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// openssl prints each artefact on its own. It tells all.
func openssl() reader {
	return reader{name: "openssl", read: func(t *testing.T, artefacts []artefact) (all []fields) {
		for _, a := range artefacts {
			line := map[kind][]string{
				certificate: {"x509", "-inform", "DER", "-in", a.path, "-noout", "-text", "-nameopt", "RFC2253"},
				crl:         {"crl", "-inform", "DER", "-in", a.path, "-noout", "-text", "-nameopt", "RFC2253"},
				ocspAnswer:  {"ocsp", "-respin", a.path, "-noverify", "-resp_text"},
				certsOnly:   {"pkcs7", "-inform", "DER", "-in", a.path, "-noout", "-print_certs", "-text"},
				request:     {"req", "-inform", "DER", "-in", a.path, "-noout", "-text", "-verify", "-nameopt", "RFC2253"},
			}[a.kind]
			all = append(all, parse(t, certstest.OpenSSL(t, nil, line...), opensslPatterns()[a.kind]))
		}
		return all
	}}
}

func opensslPatterns() map[kind][]pattern {
	signature := pattern{"signature", `    Signature Algorithm: (.*)\n +Signature Value`, words(signatures())}
	aki := pattern{"aki", `Authority Key Identifier: *\n +([0-9A-F:]+)`, hexadecimal}
	return map[kind][]pattern{
		certificate: {
			{"serial", `Serial Number:\s*([0-9a-f:\s]+?)\n`, hexadecimal},
			{"issuer", `Issuer: (.*)`, name},
			{"subject", `Subject: (.+)`, name},
			{"notBefore", `Not Before: (.*)`, at},
			{"notAfter", `Not After : (.*)`, at},
			{"key", `Public Key Algorithm: (id-ecPublicKey\n +Public-Key: \(\d+)`, joined(keys())},
			{"key", `Public Key Algorithm: rsaEncryption\n +Public-Key: \((\d+) bit`, prefixed("RSA ")},
			{"key", `Public Key Algorithm: (ED25519)`, words(keys())},
			signature, aki,
			{"ski", `Subject Key Identifier: *\n +([0-9A-F:]+)`, hexadecimal},
			{"keyUsage", `X509v3 Key Usage: (?:critical)?\n +(.*)`, words(keyUsages())},
			{"extKeyUsage", `Extended Key Usage: (?:critical)?\n +(.*)`, words(purposes())},
			{"ca", `CA:(TRUE|FALSE)`, statuses},
			{"ca", `pathlen:(\d+)`, plain},
			{"names", `URI:(urn:[^,\s]+)`, prefixed("URI:")},
			{"names", `DNS:([^,\s]+)`, prefixed("DNS:")},
			{"names", `IP Address:([^,\s]+)`, addresses},
			{"crl", `CRL Distribution Points: *\n +Full Name:\n +URI:(\S+)`, plain},
			{"ocsp", `OCSP - URI:(\S+)`, plain},
			{"caIssuers", `CA Issuers - URI:(\S+)`, plain},
			{"noCheck", `OCSP No Check`, yes},
			{"noRevAvail", `2\.5\.29\.56|X509v3 No Revocation Available`, yes},
			{"critical", `(X509v3 .*): critical`, words(extensions())},
		},
		crl: {
			{"issuer", `Issuer: (.*)`, name},
			{"thisUpdate", `Last Update: (.*)`, at},
			{"nextUpdate", `Next Update: (.*)`, at},
			{"number", `CRL Number: *\n +(\d+)`, plain},
			{"point", `Issuing Distribution Point: critical\n +Full Name:\n +URI:(\S+)`, plain},
			{"entries", `Serial Number: (\S+)\n +Revocation Date: (.*)`, entry},
			{"reasons", `Serial Number: (\S+)\n +Revocation Date: .*\n +CRL entry extensions:\n +X509v3 CRL Reason Code: *\n +(.*)`, reason},
			signature, aki,
		},
		ocspAnswer: {
			{"responder", `Responder Id: (\S+)`, hexadecimal},
			{"producedAt", `Produced At: (.*)`, at},
			{"serial", `      Serial Number: ([0-9A-F]+)`, hexadecimal},
			{"nameHash", `Issuer Name Hash: (\S+)`, hexadecimal},
			{"keyHash", `Issuer Key Hash: (\S+)`, hexadecimal},
			{"status", `Cert Status: (\S+)`, statuses},
			{"revokedAt", `Revocation Time: (.*)`, at},
			{"reason", `Revocation Reason: \w+ \(0x(\d)\)`, plain},
			{"thisUpdate", `This Update: (.*)`, at},
			{"nextUpdate", `Next Update: (.*)`, at},
			{"signature", `Next Update: .*\s+Signature Algorithm: (.*)`, words(signatures())},
		},
		certsOnly: {
			{"certificates", `Serial Number:\s*([0-9a-f:\s]+?)\n`, hexadecimal},
		},
		request: {
			{"subject", `Subject: (.+)`, name},
			{"key", `Public Key Algorithm: (id-ecPublicKey\n +Public-Key: \(\d+)`, joined(keys())},
			{"key", `Public Key Algorithm: rsaEncryption\n +Public-Key: \((\d+) bit`, prefixed("RSA ")},
			{"key", `Public Key Algorithm: (ED25519)`, words(keys())},
			signature,
			{"selfSigned", `self-signature verify OK`, yes},
		},
	}
}

// joined looks up what was found as one word, whatever parts it.
func joined(known map[string]string) func(found []string) string {
	return func(found []string) string {
		letters := onlyLetters(found[1])
		if standard, ok := known[letters]; ok {
			return standard
		}
		return "unknown:" + letters
	}
}

// entry is a CRL's, found as a serial number and a time.
func entry(found []string) string { return hexadecimal(found) + "@" + moment(found[2]) }

// reason is that of a CRL's entry, found as a serial number and a word or a number.
func reason(found []string) string {
	number := onlyLetters(found[2])
	if standard, ok := reasons()[number]; ok {
		number = standard
	}
	return hexadecimal(found) + "=" + number
}
